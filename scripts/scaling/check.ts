/**
 * Is the model of docs/SCALING.md true? Measures on this machine and prints predicted beside measured:
 *
 *   npx tsx scripts/scaling/check.ts                     everything, some twelve minutes (after `npm run build`)
 *   npx tsx scripts/scaling/check.ts --only throughput   throughput, ten, waiting, memory, shared, front
 *   npx tsx scripts/scaling/check.ts --passes 1          each point of the throughput once instead of twice
 *
 * TikTok is the tests' stand-in; it and the visitors share the processors with the service, so their CPU counts where
 * a rate is predicted. CPU costs are fitted at one point (20 workers, no latency), all other points are predicted.
 * Writes bench-results/scaling.json.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Ground, prepareGround } from '../bench/ground.ts';
import { machineFacts, ROOT } from '../bench/machine.ts';
import { stopAll } from '../bench/started.ts';
import { printTable, round } from '../bench/table.ts';
import { frontCosts } from './front.ts';
import { sharedCosts } from './shared.ts';
import {
  calibrate,
  costsHere,
  HIT_RATES,
  LATENCIES_MS,
  memoryByWorkers,
  type Point,
  tenTimes,
  throughput,
  WORKERS,
} from './throughput.ts';
import { WAITING, waiting } from './waiting.ts';

const PARTS = { throughput: points, ten, waiting: waits, memory, shared, front };

const { values } = parseArgs({ options: { only: { type: 'string' }, passes: { type: 'string' } } });
const passes = Number(values.passes ?? 2);
const chosen = values.only?.split(',') ?? Object.keys(PARTS);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => void stopAll().then(() => process.exit(130)));
}

const began = performance.now();
const machine = machineFacts();
const results: Record<string, unknown> = {};
try {
  const ground = await prepareGround(false);
  for (const name of chosen) {
    if (!Object.hasOwn(PARTS, name)) throw new Error(`no part ${name}; there are ${Object.keys(PARTS)}`);
    process.stdout.write(`\n## ${name} (load average ${loadavg()[0]?.toFixed(1)})\n`);
    results[name] = await PARTS[name as keyof typeof PARTS](ground);
  }
} finally {
  await stopAll();
}
const file = join(ROOT, 'bench-results', 'scaling.json');
await mkdir(join(ROOT, 'bench-results'), { recursive: true });
await writeFile(file, JSON.stringify({ machine, passes, ...results }, null, 2));
process.stdout.write(`\n${((performance.now() - began) / 60_000).toFixed(1)} minutes\n`);

async function points(ground: Ground) {
  const calibrations = [];
  const measured: Point[][] = [];
  for (let pass = 0; pass < passes; pass += 1) {
    const calibration = await calibrate(ground);
    calibrations.push(calibration);
    printTable(
      `CPU of a request, milliseconds (load average ${round(calibration.load)})`,
      ['', 'service', 'its main thread', 'Python', 'stand-in', 'visitors'],
      (['cold', 'hit'] as const).map((kind) => {
        const { service, nodeMain, python, standin, visitors } = calibration[kind];
        return [kind, ...[service, nodeMain, python, standin, visitors].map((ms) => ms.toFixed(3))];
      }),
    );
    const all = await throughput(ground, costsHere(calibration));
    measured.push(all);
    printPoints(`Pass ${pass + 1}: requests a second`, all);
  }
  return { calibrations, measured };
}

async function ten(ground: Ground) {
  const costs = costsHere(await calibrate(ground));
  const rows = [];
  for (const latencyMs of [0, 1000]) rows.push(...(await tenTimes(ground, costs, latencyMs)));
  printTable(
    'Streams of which a share repeats posts, 20 workers; times those of new posts only, by the clock and by CPU',
    [
      'TikTok ms',
      'repeated',
      'requests/s',
      'times',
      'CPU times less',
      '1/(1-repeated)',
      'predicted/s',
      'load',
    ],
    rows.map((row) => [
      String(row.latencyMs),
      `${Math.round(row.hitRate * 100)} %`,
      round(row.measured),
      row.timesCold.toFixed(1),
      row.timesByCpu.toFixed(1),
      (1 / (1 - row.hitRate)).toFixed(1),
      round(row.predicted),
      row.load.toFixed(1),
    ]),
  );
  return rows;
}

async function waits(ground: Ground) {
  const rows = await waiting(ground);
  printTable(
    `Wait for one of ${WAITING.workers} workers, arrivals at random, TikTok taking ${WAITING.latencyMs} ms; milliseconds`,
    [
      'asked for',
      'posts',
      'workers busy',
      'a post takes',
      'mean wait',
      'predicted',
      'p99 of answers',
      'failures',
    ],
    rows.map((row) => [
      `${Math.round(row.use * 100)} %`,
      String(row.requests),
      `${Math.round(row.busy * 100)} %`,
      row.service.toFixed(0),
      row.measured.toFixed(1),
      row.predicted.toFixed(1),
      row.p99.toFixed(0),
      String(row.failures),
    ]),
  );
  return rows;
}

async function memory(ground: Ground) {
  const rows = await memoryByWorkers(ground);
  printTable(
    'Memory with all workers busy, MB (PSS)',
    ['workers', 'Node', 'Python', 'together'],
    rows.map((row) => [String(row.workers), ...[row.node, row.python, row.total].map(round)]),
  );
  return rows;
}

async function shared(ground: Ground) {
  const costs = await sharedCosts(ground);
  if (!costs) {
    process.stdout.write('redis-server is not installed: left out\n');
    return null;
  }
  printTable(
    `With Redis, for each request; a post takes ${round(costs.bytesOfPost)} bytes of it`,
    ['', 'commands', 'CPU of Redis, µs', 'CPU of the service, ms', 'bytes from Redis', 'bytes to it'],
    costs.rows.map((row) => [
      row.name,
      ...[row.commands, row.redisCpuUs, row.serviceCpuMs, row.sentBytes, row.takenBytes].map(round),
    ]),
  );
  return costs;
}

async function front() {
  const costs = await frontCosts();
  if (!costs) {
    process.stdout.write('nginx is not installed: left out\n');
    return null;
  }
  printTable(
    'deploy/nginx before an instance, 20 streams at once: CPU seconds for each GiB',
    ['nginx', 'the service', 'its main thread', 'nginx for an answer, ms', 'bytes of the answer'],
    [
      [
        ...[costs.nginxPerGib, costs.servicePerGib, costs.serviceMainPerGib].map(round),
        costs.nginxPerAnswerMs.toFixed(3),
        String(costs.answerBytes),
      ],
    ],
  );
  return costs;
}

/** A row for each number of workers and latency, a column for each hit rate. */
function printPoints(title: string, all: readonly Point[]): void {
  const cell = ({ measured, predictedOfRest }: Point) => {
    const error = (predictedOfRest / measured - 1) * 100;
    return `${round(measured)}, ${round(predictedOfRest)} (${error >= 0 ? '+' : '-'}${Math.abs(error).toFixed(0)} %)`;
  };
  const rows = WORKERS.flatMap((workers) =>
    LATENCIES_MS.map((latencyMs) => {
      const row = all.filter((one) => one.workers === workers && one.latencyMs === latencyMs);
      const mean = (pick: (one: Point) => number) =>
        row.reduce((sum, one) => sum + pick(one), 0) / row.length;
      return [
        ...[String(workers), String(latencyMs), ...row.map(cell)],
        ...[mean((one) => one.others).toFixed(1), mean((one) => one.load).toFixed(1)],
      ];
    }),
  );
  printTable(
    `${title}: measured, predicted with the cores that others left, error`,
    ['workers', 'TikTok ms', ...HIT_RATES.map((rate) => `${rate * 100} % hits`), "others' cores", 'load'],
    rows,
  );
  for (const [name, pick] of [
    ['with all cores', (one: Point) => one.predicted],
    ['with the cores that others left', (one: Point) => one.predictedOfRest],
  ] as const) {
    const errors = all.map((one) => Math.abs(pick(one) / one.measured - 1) * 100).sort((a, b) => a - b);
    const at = (share: number) => round(errors[Math.ceil(errors.length * share) - 1] ?? Number.NaN);
    process.stdout.write(
      `\nError ${name}, percent: median ${at(0.5)}, nine of ten below ${at(0.9)}, most ${at(1)}\n`,
    );
  }
  process.stdout.write(`Answers other than 200: ${all.reduce((sum, { failures }) => sum + failures, 0)}\n`);
}
