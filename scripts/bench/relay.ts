/**
 * The relay's throughput and CPU, beside curl straight at the CDN: both end in the same stand-in, over TLS, through the
 * same proxy. CPU is that of the service's Node process. Then the memory of many slow downloads.
 */
import { execFile } from 'node:child_process';
import { get, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { linkOf } from '../../test/helpers/download.ts';
import { videoPost } from '../../test/helpers/standin/index.ts';
import type { BenchEnv } from './env.ts';
import { serviceCpu, serviceMemory } from './procfs.ts';
import { atLeast, atMost, type Part, printTable, round, shown, spread } from './report.ts';
import { type BenchService, startService } from './service.ts';

const MIB = 1024 ** 2;
const CASES = [
  { streams: 1, mib: 200, rounds: 5 },
  { streams: 20, mib: 50, rounds: 3 },
  { streams: 200, mib: 10, rounds: 3 },
];
/** V8 compiles the hot path during the first downloads. */
const WARM_UPS = 3;
const SLOW = { readers: 200, bytesPerSecond: 50_000, arrivalMs: 5000, durationMs: 20_000, bytes: 100 * MIB };

const run = promisify(execFile);

export async function relay(env: BenchEnv): Promise<Part> {
  // Each stream comes from a client of its own.
  const service = await startService(env, { MAX_WORKERS: '1', TRUST_PROXY: 'true' });
  const rows = [];
  for (const { streams, mib, rounds } of CASES) {
    rows.push(await compare(env, service, streams, mib, env.quick ? 1 : rounds));
  }
  await service.stop();
  printTable(
    'Relay, beside curl straight at the CDN. CPU of the Node process, seconds a GiB',
    ['streams', 'MiB each', 'MiB/s', 'curl’s MiB/s', 'ratio', 'CPU s/GiB', 'its main thread'],
    rows.map((row) => [
      ...[String(row.streams), String(row.mib), shown(row.service), shown(row.curl)],
      ...[round(row.ratio.median), shown(row.cpuPerGib), round(row.mainPerGib.median)],
    ]),
  );
  const slowReaders = await measureSlowReaders(env);
  const [one, twenty] = rows;
  return {
    figures: { rows, slowReaders },
    targets: [
      atLeast('one stream: half of curl’s speed', one?.ratio.median ?? 0, 0.5),
      atMost('one stream: 1.5 s of CPU a GiB', one?.cpuPerGib.median ?? Number.NaN, 1.5),
      atMost('20 streams: 1.5 s of CPU a GiB', twenty?.cpuPerGib.median ?? Number.NaN, 1.5),
      atMost('200 slow readers: 40 MB', slowReaders.grownMb, 40),
    ],
  };
}

async function compare(env: BenchEnv, service: BenchService, streams: number, mib: number, rounds: number) {
  const { standin } = env;
  const post = standin.posts.add(videoPost({ bigBytes: mib * MIB }));
  const link = await linkOf(service, post);
  await run('curl', ['-sS', '-r', '0-0', '-o', '/dev/null', link]);
  const request = standin.journal.find({ postId: post.id, kind: 'cdn' }).at(-1);
  if (!request) throw new Error('the service did not request the file');
  const straight = () => [
    ...['-x', standin.proxyUrl, '--cacert', standin.caFile],
    ...['-H', `cookie: ${request.headers.cookie}`, '-H', `referer: ${request.headers.referer}`, request.url],
  ];
  const through = (stream: number) => ['-H', `x-forwarded-for: 192.0.2.${stream}`, link];
  /** MiB a second of all streams together. */
  const speed = async (args: (stream: number) => string[]) => {
    const began = performance.now();
    await Promise.all(Array.from({ length: streams }, (_, n) => download(args(n + 1), mib * MIB)));
    return (streams * mib) / ((performance.now() - began) / 1000);
  };
  for (let n = 0; n < WARM_UPS; n += 1) await download(through(1), mib * MIB);
  const [fast, curl, cpu, main]: [number[], number[], number[], number[]] = [[], [], [], []];
  const gib = (streams * mib) / 1024;
  for (let n = 0; n < rounds; n += 1) {
    curl.push(await speed(straight));
    const before = serviceCpu(service.pid);
    fast.push(await speed(through));
    const after = serviceCpu(service.pid);
    cpu.push((after.node - before.node) / 1000 / gib);
    main.push((after.nodeMain - before.nodeMain) / 1000 / gib);
  }
  return {
    ...{ streams, mib, service: spread(fast), curl: spread(curl) },
    ratio: spread(fast.map((mibPerSecond, n) => mibPerSecond / (curl[n] ?? Number.NaN))),
    ...{ cpuPerGib: spread(cpu), mainPerGib: spread(main) },
  };
}

/** @throws when not the whole file came */
export async function download(args: readonly string[], bytes: number): Promise<void> {
  const { stdout } = await run('curl', [
    '-sS',
    '-o',
    '/dev/null',
    '-w',
    '%{http_code} %{size_download}',
    ...args,
  ]);
  if (stdout !== `200 ${bytes}`) throw new Error(`curl got ${stdout} instead of ${bytes} bytes`);
}

async function measureSlowReaders(env: BenchEnv): Promise<{ beforeMb: number; grownMb: number }> {
  const service = await startService(env, { MAX_WORKERS: '1', TRUST_PROXY: 'true' });
  const link = await linkOf(service, env.standin.posts.add(videoPost({ bigBytes: SLOW.bytes })));
  // Fast readers first: what their throughput leaves in the heap is not the slow ones' cost.
  await Promise.all(
    Array.from({ length: 20 }, (_, n) =>
      download(['-H', `x-forwarded-for: 203.0.113.${n}`, link], SLOW.bytes),
    ),
  );
  const memoryMb = () => serviceMemory(service.pid).node;
  const beforeMb = memoryMb();
  let peak = beforeMb;
  const sampler = setInterval(() => {
    peak = Math.max(peak, memoryMb());
  }, 250);
  const readers = Array.from({ length: SLOW.readers }, (_, n) => readSlowly(link, n));
  const rates = await Promise.all(readers);
  clearInterval(sampler);
  await service.stop();
  const grownMb = peak - beforeMb;
  process.stdout.write(
    `\n${SLOW.readers} readers at ${round(Math.min(...rates) / 1000)} KB/s: Node ${round(beforeMb)} MB, ` +
      `${round(grownMb)} MB more\n`,
  );
  return { beforeMb, grownMb };
}

/** Reads a little ten times a second, then leaves. @returns bytes a second */
async function readSlowly(link: string, number: number): Promise<number> {
  // Arrivals are spread: loopback's buffers first take some MB of each reader at full speed.
  await sleep((number / SLOW.readers) * SLOW.arrivalMs);
  const request = get(link, { agent: false, headers: { 'x-forwarded-for': `198.51.100.${number}` } });
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve).once('error', reject);
  });
  if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`);
  response.on('error', () => {});
  let bytes = 0;
  const began = performance.now();
  for (let now = began; now < began + SLOW.durationMs; now = performance.now()) {
    const due = ((now - began) / 1000) * SLOW.bytesPerSecond - bytes;
    // read() with more than is buffered returns nothing, and read(1) makes the stream fetch more.
    const size = Math.floor(Math.min(due, Math.max(response.readableLength, 1)));
    if (size >= 1) bytes += (response.read(size) as Buffer | null)?.length ?? 0;
    await sleep(100);
  }
  request.destroy();
  return bytes / (SLOW.durationMs / 1000);
}
