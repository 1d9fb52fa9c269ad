/** Posts that nobody has asked for before: rate, waiting times, CPU; beside a yt-dlp spawned for each. */
import type { Ground, Measured } from './ground.ts';
import { startService } from './service.ts';
import { prepareSpawns, type SpawnMeasured } from './spawn.ts';
import { printTable, round, type Spread, shown, spread } from './table.ts';

/** MAX_WORKERS' default. */
export const WORKERS = 20;

interface Case {
  latencyMs: number;
  concurrency: number;
  count: number;
  rounds: number;
}

/** Enough posts for each to last some seconds, and for CPU that the kernel counts in hundredths of a second. */
const CASES: readonly Case[] = [
  { latencyMs: 0, concurrency: 1, count: 150, rounds: 3 },
  { latencyMs: 0, concurrency: 20, count: 800, rounds: 3 },
  { latencyMs: 0, concurrency: 100, count: 800, rounds: 3 },
  { latencyMs: 0, concurrency: 2000, count: 2000, rounds: 3 },
  { latencyMs: 300, concurrency: 1, count: 20, rounds: 3 },
  { latencyMs: 300, concurrency: 20, count: 400, rounds: 2 },
  { latencyMs: 300, concurrency: 100, count: 500, rounds: 2 },
  { latencyMs: 300, concurrency: 2000, count: 2000, rounds: 2 },
  { latencyMs: 1000, concurrency: 1, count: 5, rounds: 1 },
  { latencyMs: 1000, concurrency: 20, count: 100, rounds: 1 },
  { latencyMs: 1000, concurrency: 100, count: 200, rounds: 1 },
  { latencyMs: 1000, concurrency: 2000, count: 2000, rounds: 1 },
];

const QUICK_CASES: readonly Case[] = [
  { latencyMs: 0, concurrency: 1, count: 100, rounds: 1 },
  { latencyMs: 0, concurrency: 20, count: 400, rounds: 2 },
  { latencyMs: 0, concurrency: 100, count: 400, rounds: 2 },
  { latencyMs: 0, concurrency: 2000, count: 2000, rounds: 1 },
  { latencyMs: 300, concurrency: 1, count: 10, rounds: 1 },
  { latencyMs: 300, concurrency: 100, count: 400, rounds: 1 },
];

/** Of the service's own code paths in V8 and of all workers' children, before anything counts. */
const WARM_UP = 600;

export interface ColdRow extends Omit<Case, 'rounds'> {
  perSecond: Spread;
  p50: Spread;
  p99: Spread;
  failures: number;
  cpu: Measured['cpu'];
  load: number;
  /** Posts a second if nothing but TikTok took time; null where TikTok takes none. */
  bound: number | null;
}

export interface SpawnRow {
  concurrency: number;
  perSecond: Spread;
  cpu: number;
  failures: number;
}

export interface ColdResult {
  rows: ColdRow[];
  spawns: SpawnRow[];
  /** The service at 100 at once, without latency, over two spawns at once: by rounds that followed each other. */
  timesSpawn: Spread;
}

export async function cold(ground: Ground): Promise<ColdResult> {
  const service = await startService(ground.standin);
  const spawns = await prepareSpawns(ground.standin);
  await ground.ask(service, { concurrency: 100, count: ground.quick ? WARM_UP / 2 : WARM_UP });
  const rows: ColdRow[] = [];
  const inTwos: SpawnMeasured[] = [];
  const pairs: number[] = [];
  for (const one of ground.quick ? QUICK_CASES : CASES) {
    await ground.setLatency(one.latencyMs);
    const measured: Measured[] = [];
    for (let round = 0; round < one.rounds; round += 1) {
      const report = await ground.measure(service, one);
      measured.push(report);
      if (one.latencyMs > 0 || one.concurrency !== 100) continue;
      // In turn with the service, so that what else runs on the machine meets both.
      const beside = await spawns.measure(2, ground.quick ? 2 : 6);
      inTwos.push(beside);
      pairs.push(report.perSecond / beside.perSecond);
    }
    rows.push(summary(one, measured));
  }
  await ground.setLatency(0);
  const many = ground.quick ? [] : [await spawns.measure(20, 20)];
  await service.stop();
  const result = {
    rows,
    spawns: [inTwos, many].filter((all) => all.length > 0).map(spawnRow),
    timesSpawn: spread(pairs),
  };
  print(result);
  return result;
}

function summary({ latencyMs, concurrency, count }: Case, rounds: readonly Measured[]): ColdRow {
  const mean = (pick: (one: Measured) => number) =>
    rounds.reduce((sum, one) => sum + pick(one), 0) / rounds.length;
  return {
    ...{ latencyMs, concurrency, count },
    perSecond: spread(rounds.map((one) => one.perSecond)),
    p50: spread(rounds.map((one) => one.p50)),
    p99: spread(rounds.map((one) => one.p99)),
    failures: rounds.reduce((sum, one) => sum + one.failures, 0),
    cpu: {
      nodeMain: mean((one) => one.cpu.nodeMain),
      node: mean((one) => one.cpu.node),
      python: mean((one) => one.cpu.python),
      service: mean((one) => one.cpu.service),
      standin: mean((one) => one.cpu.standin),
      visitors: mean((one) => one.cpu.visitors),
    },
    load: Math.max(...rounds.map((one) => one.load)),
    bound: latencyMs === 0 ? null : Math.min(concurrency, WORKERS) / (latencyMs / 1000),
  };
}

function spawnRow(rounds: readonly SpawnMeasured[]): SpawnRow {
  return {
    concurrency: rounds[0]?.concurrency ?? 0,
    perSecond: spread(rounds.map((one) => one.perSecond)),
    cpu: spread(rounds.map((one) => one.cpu)).median,
    failures: rounds.reduce((sum, one) => sum + one.failures, 0),
  };
}

function print({ rows, spawns, timesSpawn }: ColdResult): void {
  printTable(
    `Cold posts, ${WORKERS} workers. CPU in milliseconds for each post; "bound" is workers / latency.`,
    [
      ...['latency ms', 'at once', 'posts', 'posts/s', 'bound', 'p50 ms', 'p99 ms', 'failures'],
      ...['CPU: service', 'Node', 'its main thread', 'Python', 'stand-in', 'visitors', 'load before'],
    ],
    rows.map((row) => [
      ...[row.latencyMs, row.concurrency, row.count].map(String),
      shown(row.perSecond),
      row.bound === null ? '-' : round(row.bound),
      ...[shown(row.p50), shown(row.p99), String(row.failures)],
      ...[
        row.cpu.service,
        row.cpu.node,
        row.cpu.nodeMain,
        row.cpu.python,
        row.cpu.standin,
        row.cpu.visitors,
      ].map(round),
      round(row.load),
    ]),
  );
  printTable(
    'Baseline: yt-dlp-exec, a process for each request, against the same stand-in without latency',
    ['at once', 'posts/s', 'failures', 'CPU ms a post'],
    spawns.map((row) => [
      String(row.concurrency),
      shown(row.perSecond),
      String(row.failures),
      round(row.cpu),
    ]),
  );
  process.stdout.write(
    `\nThe service (100 at once) is ${shown(timesSpawn)} times as fast as two spawns at once.\n`,
  );
}
