/** Requests a second and CPU at many points, beside what the model says of them. */
import { readFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import type { Ground, Measured } from '../bench/ground.ts';
import { serviceMemory } from '../bench/procfs.ts';
import { type BenchService, startService } from '../bench/service.ts';
import { type RequestCosts, type Stream, streamThroughput } from './model.ts';

export const WORKERS = [5, 10, 20, 40] as const;
export const LATENCIES_MS = [0, 100, 300, 1000] as const;
export const HIT_RATES = [0, 0.5, 0.8, 0.95] as const;

/** Each point lasts about so long, and each worker fetches at least so many posts. */
const POINT_SECONDS = 3;
const LEAST_ROUNDS = 3;
const WARM_UP = 600;
/** The posts that are asked for again and again: numbers that no stream of new posts comes to. */
const KNOWN = { first: 1e12, of: 50 };
/** Longer than the check takes: the hit rate is to be the stream's. */
const ENV = { CACHE_TTL: '7200' };

/** CPU milliseconds of one request: of the service, and of the stand-in and the visitors, who share the machine. */
export interface Calibration {
  cold: Measured['cpu'];
  hit: Measured['cpu'];
  load: number;
}

export interface Point {
  workers: number;
  latencyMs: number;
  hitRate: number;
  requests: number;
  measured: number;
  /** By the model, with the CPU costs of the calibration and all cores of the machine. */
  predicted: number;
  /** The same with the cores that others left. */
  predictedOfRest: number;
  /** Cores that were busy with something else meanwhile. */
  others: number;
  load: number;
  failures: number;
  /** For each request, of everything that this machine had to do for it. */
  cpuMs: number;
}

export interface MemoryPoint {
  workers: number;
  node: number;
  python: number;
  total: number;
}

/** What one request costs, at no latency, with 20 workers. */
export async function calibrate(ground: Ground): Promise<Calibration> {
  const service = await warmService(ground, 20);
  const load = loadavg()[0] ?? 0;
  const cold = await ground.measure(service, { concurrency: 100, count: 1000 });
  const hit = await ground.measure(service, hits(10_000));
  await service.stop();
  return { cold: cold.cpu, hit: hit.cpu, load };
}

/** What the model needs: everything that runs on the cores of this machine counts, for they are shared. */
export function costsHere({ cold, hit }: Calibration): RequestCosts {
  return {
    cold: (cold.service + cold.standin + cold.visitors) / 1000,
    coldMain: cold.nodeMain / 1000,
    hit: (hit.service + hit.standin + hit.visitors) / 1000,
    hitMain: hit.nodeMain / 1000,
  };
}

/** All points of all numbers of workers, each with a service of its own. */
export async function throughput(ground: Ground, costs: RequestCosts): Promise<Point[]> {
  const points: Point[] = [];
  for (const workers of WORKERS) {
    const service = await warmService(ground, workers);
    for (const latencyMs of LATENCIES_MS) {
      await ground.setLatency(latencyMs);
      for (const hitRate of HIT_RATES) {
        points.push(await measurePoint(ground, service, { workers, latencyMs, hitRate, costs }));
      }
    }
    await ground.setLatency(0);
    await service.stop();
  }
  return points;
}

/** Around the hit rate from which a stream is ten times as fast as one of new posts only. */
export async function tenTimes(
  ground: Ground,
  costs: RequestCosts,
  latencyMs: number,
): Promise<(Point & { timesCold: number; timesByCpu: number })[]> {
  const service = await warmService(ground, 20);
  await ground.setLatency(latencyMs);
  const points: Point[] = [];
  for (const hitRate of [0, 0.8, 0.9, 0.91, 0.92, 0.93, 0.95, 0]) {
    points.push(await measurePoint(ground, service, { workers: 20, latencyMs, hitRate, costs }));
  }
  await ground.setLatency(0);
  await service.stop();
  const colds = points.filter(({ hitRate }) => hitRate === 0);
  const mean = (pick: (one: Point) => number) =>
    colds.reduce((sum, one) => sum + pick(one), 0) / colds.length;
  const [cold, cpu] = [mean((one) => one.measured), mean((one) => one.cpuMs)];
  return points.map((one) => ({ ...one, timesCold: one.measured / cold, timesByCpu: cpu / one.cpuMs }));
}

/** The most memory that is seen while all workers are busy. */
export async function memoryByWorkers(ground: Ground): Promise<MemoryPoint[]> {
  const points: MemoryPoint[] = [];
  for (const workers of WORKERS) {
    const service = await warmService(ground, workers);
    await ground.setLatency(300);
    let most = serviceMemory(service.pid);
    const sampler = setInterval(() => {
      const now = serviceMemory(service.pid);
      if (now.total > most.total) most = now;
    }, 1000);
    await ground.ask(service, { concurrency: workers, count: workers * 20 });
    clearInterval(sampler);
    await ground.setLatency(0);
    await service.stop();
    points.push({ workers, node: most.node, python: most.python, total: most.total });
  }
  return points;
}

export async function warmService(ground: Ground, workers: number): Promise<BenchService> {
  const service = await startService(ground.standin, { env: { ...ENV, MAX_WORKERS: String(workers) } });
  await ground.ask(service, { concurrency: 100, count: WARM_UP });
  await ground.ask(service, hits(3000));
  return service;
}

function hits(count: number) {
  return { concurrency: 32, count, repeats: { ...KNOWN, share: 1 } };
}

async function measurePoint(
  ground: Ground,
  service: BenchService,
  {
    workers,
    latencyMs,
    hitRate,
    costs,
  }: { workers: number; latencyMs: number; hitRate: number; costs: RequestCosts },
): Promise<Point> {
  const stream: Stream = { workers, latency: latencyMs / 1000, hitRate, cores: cpus().length };
  const predicted = streamThroughput(stream, costs);
  // Whole rounds of all workers: else some idle at the end, which is the measurement's fault.
  const rounds = Math.max(LEAST_ROUNDS, Math.round((predicted * (1 - hitRate) * POINT_SECONDS) / workers));
  const requests = Math.round((rounds * workers) / (1 - hitRate));
  const machine = busySeconds();
  const report = await ground.measure(service, {
    // More than there are workers: nobody of them is ever without work.
    concurrency: 5 * workers + 50,
    count: requests,
    repeats: { ...KNOWN, share: hitRate },
  });
  const { cpu } = report;
  const ours = ((cpu.service + cpu.standin + cpu.visitors) * requests) / 1000;
  const others = Math.max(0, (busySeconds() - machine - ours) / report.seconds);
  return {
    ...{ workers, latencyMs, hitRate, requests, predicted, others },
    measured: report.perSecond,
    predictedOfRest: streamThroughput({ ...stream, cores: Math.max(0.2, stream.cores - others) }, costs),
    load: report.load,
    failures: report.failures,
    cpuMs: cpu.service + cpu.standin + cpu.visitors,
  };
}

/** CPU seconds of everything on this machine so far. */
function busySeconds(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] =
    readFileSync('/proc/stat', 'utf8').split('\n', 1)[0]?.split(/\s+/).slice(1).map(Number) ?? [];
  return (user + nice + system + irq + softirq + steal) / 100;
}
