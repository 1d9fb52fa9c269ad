/**
 * The relay's cost, beside curl straight at the CDN and beside nginx `proxy_pass`, all against the stand-in:
 *
 *   tsx scripts/bench/relay.ts          (after `npm run build`; needs curl, nginx's column needs nginx)
 *
 * Every way ends in the same stand-in, which is this process, over TLS, through the same proxy. Curl decrypts for
 * itself; the service and nginx decrypt and send on in plain text to a curl. CPU is that of the relaying process alone, all
 * its threads, from /proc. What stands beside on the machine changes the seconds, and hardly the CPU seconds.
 * Prints tables and writes bench-results/relay.json.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { availableParallelism, loadavg } from 'node:os';
import { promisify } from 'node:util';
import { linkOf } from '../../test/helpers/download.ts';
import { startService } from '../../test/helpers/service.ts';
import { type StandinPost, startStandin, videoPost } from '../../test/helpers/standin/index.ts';
import { type CdnAddress, startNginx } from './nginx.ts';

const MIB = 1024 * 1024;
const BIG = 200 * MIB;
const ROUNDS = 5;
/** Of one big file each: V8 compiles the hot path during the first, at three times the cost. */
const WARM_UPS = 3;
const MANY = 20;
const MANY_EACH = 50 * MIB;
const SLOW = { clients: 200, bytesPerSecond: 50_000, arrivalSeconds: 5, seconds: 20, size: 100 * MIB };

const run = promisify(execFile);
const standin = await startStandin();
const env = { MAX_WORKERS: '1', TRUST_PROXY: 'true' };

try {
  const relay = await compare();
  const slow = await slowReaders();
  await mkdir('bench-results', { recursive: true });
  const machine = { processors: availableParallelism(), node: process.version, load: loadavg() };
  await writeFile('bench-results/relay.json', JSON.stringify({ machine, relay, slow }, null, 2));
} finally {
  await standin.close();
}

interface Way {
  name: string;
  /** Whose CPU counts; null where there is nobody in between. */
  pid: number | null;
  /** curl's arguments. */
  ask(post: StandinPost, visitor: number): string[];
}

/** (a) and (b): throughput of one stream, and the CPU of one and of many. */
async function compare() {
  const service = await startService(standin, env);
  const big = standin.posts.add(videoPost({ bigBytes: BIG }));
  const small = standin.posts.add(videoPost({ bigBytes: MANY_EACH }));
  const links = new Map<StandinPost, string>();
  const addresses = new Map<StandinPost, CdnAddress>();
  for (const post of [big, small]) {
    const link = await linkOf(service, post);
    links.set(post, link);
    addresses.set(post, await addressBehind(link, post));
  }
  const host = addresses.get(big)?.url.hostname ?? '';
  const nginx = await startNginx(standin.proxyUrl, standin.caFile, host);
  const cdnHeaders = (post: StandinPost) => {
    const { cookie, referer } = addresses.get(post) as CdnAddress;
    return ['-H', `cookie: ${cookie}`, '-H', `referer: ${referer}`];
  };
  const straight = (post: StandinPost) => [
    ...['-x', standin.proxyUrl, '--cacert', standin.caFile, ...cdnHeaders(post)],
    addresses.get(post)?.url.href ?? '',
  ];
  const throughService = (post: StandinPost, visitor: number) => [
    ...['-H', `x-forwarded-for: 192.0.2.${visitor}`],
    links.get(post) ?? '',
  ];
  const ways: Way[] = [
    { name: 'curl straight through the proxy', pid: null, ask: straight },
    { name: 'the service', pid: service.pid, ask: throughService },
  ];
  if (nginx) {
    const ask = (post: StandinPost) => [...cdnHeaders(post), nginx.linkTo(addresses.get(post) as CdnAddress)];
    ways.push({ name: 'nginx proxy_pass', pid: nginx.pid, ask });
  } else console.log('nginx is not installed: its column is left out');
  try {
    for (const way of ways) {
      for (let round = 0; round < WARM_UPS; round++) await fetchOnce(way, big, 0);
    }
    const rows = [];
    const one = new Map(ways.map((way) => [way, [] as Cost[]]));
    // In turn, so that what else runs on the machine meets all of them.
    for (let round = 0; round < ROUNDS; round++) {
      for (const way of ways) one.get(way)?.push(await cost(way, BIG, () => fetchOnce(way, big, 0)));
    }
    const base = one.get(ways[0] as Way) ?? [];
    for (const way of ways) {
      const many = await cost(way, MANY * MANY_EACH, () =>
        Promise.all(Array.from({ length: MANY }, (_, visitor) => fetchOnce(way, small, visitor))),
      );
      const rounds = one.get(way) ?? [];
      const ratios = rounds.map(({ mibPerSecond }, round) => mibPerSecond / (base[round]?.mibPerSecond ?? 0));
      rows.push({
        way: way.name,
        mibPerSecond: rounds.map((each) => each.mibPerSecond),
        ratioToCurl: median(ratios),
        cpuPerGibOne: median(rounds.map((each) => each.cpuPerGib)),
        cpuPerGibMany: many.cpuPerGib,
        mibPerSecondMany: many.mibPerSecond,
      });
    }
    console.log(
      `\n${availableParallelism()} processors, Node ${process.version}, load ${loadavg()[0]?.toFixed(1)}. ` +
        `One stream of ${BIG / MIB} MiB, ${ROUNDS} rounds; ${MANY} streams of ${MANY_EACH / MIB} MiB at once.\n\n` +
        `| way | MiB/s, one stream | of curl's (median) | CPU s/GiB, 1 stream | CPU s/GiB, ${MANY} streams | MiB/s, ${MANY} streams |\n|---|---|---|---|---|---|`,
    );
    for (const row of rows) {
      const cells = [
        row.way,
        row.mibPerSecond.map((rate) => rate.toFixed(0)).join(', '),
        row.ratioToCurl.toFixed(2),
        Number.isNaN(row.cpuPerGibOne) ? '-' : row.cpuPerGibOne.toFixed(2),
        Number.isNaN(row.cpuPerGibMany) ? '-' : row.cpuPerGibMany.toFixed(2),
        row.mibPerSecondMany.toFixed(0),
      ];
      console.log(`| ${cells.join(' | ')} |`);
    }
    return rows;
  } finally {
    await nginx?.stop();
    await service.stop();
  }
}

/** Where the service gets the file of a link from, and with which headers. */
async function addressBehind(link: string, post: StandinPost): Promise<CdnAddress> {
  await run('curl', ['-sS', '-r', '0-0', '-o', '/dev/null', link]);
  const seen = standin.journal.find({ postId: post.id, kind: 'cdn' }).at(-1);
  if (!seen) throw new Error('the service did not ask the CDN');
  const { cookie = '', referer = '' } = seen.headers;
  return { url: new URL(seen.url), cookie, referer };
}

async function fetchOnce(way: Way, post: StandinPost, visitor: number): Promise<void> {
  const written = ['-o', '/dev/null', '-w', '%{http_code} %{size_download}'];
  const { stdout } = await run('curl', ['-sS', ...written, ...way.ask(post, visitor)]);
  if (stdout !== `200 ${post.bigBytes}`) throw new Error(`${way.name}: ${stdout}`);
}

interface Cost {
  mibPerSecond: number;
  /** Seconds; NaN where nobody is in between. */
  cpuPerGib: number;
}

async function cost({ pid }: Way, bytes: number, work: () => Promise<unknown>): Promise<Cost> {
  const before = pid === null ? Number.NaN : cpuSeconds(pid);
  const start = performance.now();
  await work();
  const seconds = (performance.now() - start) / 1000;
  const cpu = pid === null ? Number.NaN : cpuSeconds(pid) - before;
  return { mibPerSecond: bytes / MIB / seconds, cpuPerGib: cpu / (bytes / (1024 * MIB)) };
}

/** (c): what many slow readers cost in memory. */
async function slowReaders() {
  const service = await startService(standin, env);
  try {
    const post = standin.posts.add(videoPost({ bigBytes: SLOW.size }));
    const link = await linkOf(service, post);
    // A service that has seen fast readers: what their throughput leaves in the heap is not the slow ones' cost.
    const fast = () => run('curl', ['-sS', '-o', '/dev/null', link]);
    await Promise.all(Array.from({ length: MANY }, fast));
    const before = rssMb(service.pid);
    let peak = before;
    const sampler = setInterval(() => {
      peak = Math.max(peak, rssMb(service.pid));
    }, 250);
    const started = performance.now();
    const readers = Array.from({ length: SLOW.clients }, (_, visitor) => readSlowly(link, visitor));
    const bytes = await Promise.all(readers);
    clearInterval(sampler);
    const elapsed = (performance.now() - started) / 1000;
    const result = {
      ...SLOW,
      rssBeforeMb: before,
      rssPeakMb: peak,
      growthMb: peak - before,
      slowestBytesPerSecond: Math.min(...bytes) / SLOW.seconds,
      fastestBytesPerSecond: Math.max(...bytes) / SLOW.seconds,
    };
    const kb = (rate: number) => (rate / 1000).toFixed(0);
    console.log(
      `\n${SLOW.clients} readers at ${kb(SLOW.bytesPerSecond)} KB/s, arriving within ${SLOW.arrivalSeconds} s, ${elapsed.toFixed(0)} s in all ` +
        `(got ${kb(result.slowestBytesPerSecond)} to ${kb(result.fastestBytesPerSecond)} KB/s): ` +
        `RSS ${before.toFixed(0)} → ${peak.toFixed(0)} MB, grew by ${result.growthMb.toFixed(0)} MB`,
    );
    return result;
  } finally {
    await service.stop();
  }
}

/** Reads a slice of what is there ten times a second, then leaves. */
async function readSlowly(link: string, visitor: number): Promise<number> {
  const forwarded = { 'x-forwarded-for': `198.51.100.${visitor}` };
  // Loopback's buffers take 3 MB of each at full speed before the first of them is slow.
  await new Promise((resolve) => setTimeout(resolve, (visitor / SLOW.clients) * SLOW.arrivalSeconds * 1000));
  const request = get(link, { agent: false, headers: forwarded });
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve).once('error', reject);
  });
  if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`);
  response.on('error', () => {});
  let bytes = 0;
  const start = performance.now();
  for (let now = start; now < start + SLOW.seconds * 1000; now = performance.now()) {
    const due = ((now - start) / 1000) * SLOW.bytesPerSecond;
    for (let chunk = read(response, due - bytes); chunk; chunk = read(response, due - bytes)) {
      bytes += chunk.length;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  request.destroy();
  return bytes;
}

/** At most `length` bytes, without waiting for them. */
function read(response: IncomingMessage, length: number): Buffer | null {
  // Asked for more than is there, a stream gives nothing; asked for one byte, it fetches more.
  const size = Math.floor(Math.min(length, Math.max(response.readableLength, 1)));
  return size >= 1 ? (response.read(size) as Buffer | null) : null;
}

/** Of all threads; /proc counts in hundredths of a second. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function rssMb(pid: number): number {
  return Number(/^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
