/**
 * What the cache is worth:
 *
 *   tsx scripts/bench/cache.ts          (after `npm run build`; the rows with Redis need redis-server)
 *
 * First, answers out of the cache beside a bare Fastify route that sends the same bytes, in turns. The client runs
 * on the same machine and others may too, so beside the seconds there are the server's CPU seconds: both servers
 * answer on one thread, so answers a CPU second are what one core gives.
 * Then new posts against streams in which posts repeat, from the stand-in in this process, which takes its share of
 * the processors in both. New posts bound every stream: with a share r of repeats it cannot be more than 1/(1-r)
 * times as fast.
 * Prints tables and writes bench-results/cache.json.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NO_REDIS, TestRedis } from '../../test/helpers/redis.ts';
import { startService } from '../../test/helpers/service.ts';
import { startStandin } from '../../test/helpers/standin/index.ts';
import { load } from './requests.ts';

const ROUNDS = 5;
const ANSWERS = 8000;
const WARM_UP = 3000;
const CONNECTIONS = 32;
/** New posts of each stream. */
const NEW_POSTS = 300;
const CLOCK_TICKS = 100;

interface Speed {
  name: string;
  perSecond: number;
  perCpuSecond: number;
  p50Ms: number;
  p99Ms: number;
}

interface Stream {
  name: string;
  requests: number;
  newPosts: number;
  seconds: number;
  perSecond: number;
  timesCold: number;
  ceiling: number;
}

const standin = await startStandin();
const redis = NO_REDIS ? null : await TestRedis.start();
const folder = mkdtempSync(join(tmpdir(), 'bench-cache-'));
let lastId = 7_440_000_000_000_000_000n;

try {
  const speeds = await cachedAnswers();
  print(speeds);
  const streams = await repeats();
  print(streams);
  await mkdir('bench-results', { recursive: true });
  const machine = { processors: availableParallelism(), node: process.version, load: loadavg() };
  await writeFile('bench-results/cache.json', JSON.stringify({ machine, speeds, streams }, null, 2));
} finally {
  rmSync(folder, { recursive: true });
  await redis?.stop();
  await standin.close();
}

async function cachedAnswers(): Promise<Speed[]> {
  // Everything on that is on by default: the log, the metrics, the rate limit.
  const env = { MAX_WORKERS: '1', RATE_LIMIT_MAX: '1000000' };
  const service = await startService(standin, env);
  const shared = redis && (await startService(standin, { ...env, REDIS_URL: redis.url }));
  const body = JSON.stringify({ url: freshUrl() });
  await ask(service.baseUrl, body);
  const bytes = await ask(service.baseUrl, body);
  if (shared) await ask(shared.baseUrl, body);
  const bare = await startBareRoute(bytes);
  const ways = [
    { name: 'a bare Fastify route', pid: bare.pid, baseUrl: bare.baseUrl },
    { name: 'POST /tiktok, cached', pid: service.pid, baseUrl: service.baseUrl },
    ...(shared
      ? [{ name: 'POST /tiktok, cached, limits in Redis', pid: shared.pid, baseUrl: shared.baseUrl }]
      : []),
  ];
  process.stdout.write(`\nAnswers of ${bytes.length} bytes, ${ROUNDS} rounds of ${ANSWERS}, medians\n`);
  const rounds = new Map<string, Speed[]>(ways.map(({ name }) => [name, []]));
  for (const way of ways) await burst(way, body, WARM_UP);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const way of ways) rounds.get(way.name)?.push(await burst(way, body, ANSWERS));
  }
  bare.child.kill();
  await shared?.stop();
  await service.stop();
  return [...rounds.values()].map(
    (all) => all.sort((a, b) => a.perCpuSecond - b.perCpuSecond)[Math.floor(all.length / 2)] as Speed,
  );
}

async function burst(
  { name, pid, baseUrl }: { name: string; pid: number; baseUrl: string },
  body: string,
  count: number,
): Promise<Speed> {
  const before = cpuSeconds(pid);
  const { answers, statuses, seconds, latencies } = await load({
    url: `${baseUrl}/tiktok`,
    connections: CONNECTIONS,
    body: (n) => (n < count ? body : null),
  });
  if (statuses[200] !== answers) throw new Error(`${name}: ${JSON.stringify(statuses)}`);
  return {
    name,
    perSecond: Math.round(answers / seconds),
    perCpuSecond: Math.round(answers / (cpuSeconds(pid) - before)),
    p50Ms: round(latencies[Math.floor(answers / 2)] ?? 0),
    p99Ms: round(latencies[Math.floor(answers * 0.99)] ?? 0),
  };
}

async function repeats(): Promise<Stream[]> {
  const service = await startService(standin, { MAX_WORKERS: '4' });
  const streams: Stream[] = [];
  const run = async (name: string, order: string[]) => {
    const { answers, statuses, seconds } = await load({
      url: `${service.baseUrl}/tiktok`,
      connections: CONNECTIONS,
      body: (n) => (n < order.length ? JSON.stringify({ url: order[n] }) : null),
    });
    if (statuses[200] !== answers) throw new Error(`${name}: ${JSON.stringify(statuses)}`);
    const newPosts = new Set(order).size;
    const perSecond = answers / seconds;
    const cold = streams[0]?.perSecond ?? perSecond;
    streams.push({
      name,
      requests: answers,
      newPosts,
      seconds: round(seconds),
      perSecond: round(perSecond),
      timesCold: round(perSecond / cold),
      ceiling: round(answers / newPosts),
    });
  };
  await load({
    url: `${service.baseUrl}/tiktok`,
    connections: CONNECTIONS,
    body: (n) => (n < 200 ? JSON.stringify({ url: freshUrl() }) : null),
  });
  await run('all posts are new', repeated(1));
  await run('80 % of the requests repeat a post', repeated(5));
  await run('95 % of the requests repeat a post', repeated(20));
  await run('80 % of the posts are asked for 20 times, the others once', repeated(20, 0.8));
  await run('all posts are new, once more', repeated(1));
  await service.stop();
  process.stdout.write(`\n${CONNECTIONS} clients, each asks as soon as it is answered\n`);
  return streams;
}

/** New posts, each `times` times (or only a share of them), in random order: the same in every run. */
function repeated(times: number, share = 1): string[] {
  const urls = Array.from({ length: NEW_POSTS }, freshUrl);
  const order = urls.flatMap((url, number) =>
    Array.from({ length: number < NEW_POSTS * share ? times : 1 }, () => url),
  );
  let state = 1;
  for (let i = order.length - 1; i > 0; i -= 1) {
    state = (Math.imul(state, 48_271) >>> 0) % 2_147_483_647;
    const other = state % (i + 1);
    [order[i], order[other]] = [order[other] as string, order[i] as string];
  }
  return order;
}

function freshUrl(): string {
  lastId += 1n;
  return `https://www.tiktok.com/@bench/video/${lastId}`;
}

async function ask(baseUrl: string, body: string): Promise<Buffer> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${baseUrl}/tiktok`, { method: 'POST', headers, body });
  if (response.status !== 200) throw new Error(await response.text());
  return Buffer.from(await response.arrayBuffer());
}

async function startBareRoute(bytes: Buffer): Promise<{ child: ChildProcess; pid: number; baseUrl: string }> {
  const file = join(folder, 'answer.json');
  writeFileSync(file, bytes);
  const script = fileURLToPath(new URL('./bare-route.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, pid: child.pid ?? 0, baseUrl: line.toString().trim() };
}

/** Of a process with all its threads, without its children. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function print(rows: object[]): void {
  console.table(rows);
}
