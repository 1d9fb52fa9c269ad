/** Posts that nobody requested before: rate, latency and CPU. */
import type { BenchEnv, Measured } from './env.ts';
import { atLeast, atMost, type Part, printTable, round, type Spread, shown, spread } from './report.ts';
import { startService } from './service.ts';

/** MAX_WORKERS' default. */
const WORKERS = 20;
/** Posts before anything counts, for V8 and for the children of all workers. */
const WARM_UP = 600;

/** Enough posts for CPU that the kernel counts in hundredths of a second. */
const CASES = [
  { latencyMs: 0, concurrency: 1, count: 150, rounds: 3 },
  { latencyMs: 0, concurrency: 20, count: 800, rounds: 3 },
  { latencyMs: 0, concurrency: 100, count: 800, rounds: 3 },
  { latencyMs: 0, concurrency: 2000, count: 2000, rounds: 3 },
  { latencyMs: 300, concurrency: 1, count: 20, rounds: 2 },
  { latencyMs: 300, concurrency: 100, count: 500, rounds: 2 },
  { latencyMs: 300, concurrency: 2000, count: 2000, rounds: 1 },
];

type Row = (typeof CASES)[number] & {
  perSecond: Spread;
  p50: Spread;
  p99: Spread;
  failures: number;
  /** CPU milliseconds a post, means. */
  cpu: Measured['cpu'];
  loadBefore: number;
  /** Posts a second if only TikTok took time; null where it takes none. */
  bound: number | null;
};

export async function cold(env: BenchEnv): Promise<Part> {
  const service = await startService(env);
  await env.measure(service, { concurrency: 100, count: WARM_UP });
  const rows: Row[] = [];
  for (const one of CASES) {
    env.options.latencyMs = one.latencyMs;
    const measured: Measured[] = [];
    for (let round = 0; round < (env.quick ? 1 : one.rounds); round += 1) {
      measured.push(await env.measure(service, one));
    }
    rows.push(summarise(one, measured));
  }
  env.options.latencyMs = 0;
  await service.stop();
  print(rows);
  return { figures: { rows }, targets: targets(rows) };
}

function summarise(one: (typeof CASES)[number], rounds: readonly Measured[]): Row {
  const mean = (part: keyof Measured['cpu']) =>
    rounds.reduce((sum, { cpu }) => sum + cpu[part], 0) / rounds.length;
  return {
    ...one,
    perSecond: spread(rounds.map(({ perSecond }) => perSecond)),
    p50: spread(rounds.map(({ p50 }) => p50)),
    p99: spread(rounds.map(({ p99 }) => p99)),
    failures: rounds.reduce((sum, { failures }) => sum + failures, 0),
    cpu: { nodeMain: mean('nodeMain'), node: mean('node'), python: mean('python') },
    loadBefore: Math.max(...rounds.map(({ loadBefore }) => loadBefore)),
    bound: one.latencyMs === 0 ? null : Math.min(one.concurrency, WORKERS) / (one.latencyMs / 1000),
  };
}

function print(rows: readonly Row[]): void {
  printTable(
    `Cold posts, ${WORKERS} workers. CPU in milliseconds a post; "bound" is workers / latency.`,
    [
      ...['latency ms', 'at once', 'posts', 'posts/s', 'bound', 'p50 ms', 'p99 ms', 'failures'],
      ...['CPU: service', 'Node', 'its main thread', 'Python', 'load before'],
    ],
    rows.map(({ latencyMs, concurrency, count, failures, cpu, ...row }) => [
      ...[latencyMs, concurrency, count].map(String),
      ...[shown(row.perSecond), row.bound === null ? '-' : round(row.bound)],
      ...[shown(row.p50), shown(row.p99), String(failures)],
      ...[cpu.node + cpu.python, cpu.node, cpu.nodeMain, cpu.python].map(round),
      round(row.loadBefore),
    ]),
  );
}

function targets(rows: readonly Row[]): Part['targets'] {
  const row = (latencyMs: number, concurrency: number) =>
    rows.find((one) => one.latencyMs === latencyMs && one.concurrency === concurrency) as Row;
  const cpu = (one: Row) => one.cpu.node + one.cpu.python;
  const slow = row(300, 100);
  return [
    atLeast('100 at once, no latency: 150 posts/s', row(0, 100).perSecond.median, 150),
    atLeast('300 ms, 20 workers: 90 % of the bound', (slow.perSecond.median / (slow.bound ?? 0)) * 100, 90),
    atMost('a single request: 15 ms more than TikTok', row(300, 1).p50.median - 300, 15),
    atMost(
      'failed requests: 0',
      rows.reduce((sum, { failures }) => sum + failures, 0),
      0,
    ),
    atMost('CPU a post at 2,000 over that at 20: 1.2', cpu(row(0, 2000)) / cpu(row(0, 20)), 1.2),
  ];
}
