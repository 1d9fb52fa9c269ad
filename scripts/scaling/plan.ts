/** What a fleet for so many posts a day needs, by the model and the figures of costs.ts. */
import { ASSUMED, CELL_MILLIONS, MEASURED } from './costs.ts';
import { workersFor } from './model.ts';

const GIB = 2 ** 30;
const MB = 1e6;
export const DAY = 86_400;

export type Assumptions = { [K in keyof typeof ASSUMED]: number };
export type Costs = { [K in keyof typeof MEASURED]: number };

/** One instance at its planned peak. */
export interface InstancePlan {
  /** Posts a second. */
  rate: number;
  /** MAX_WORKERS. */
  workers: number;
  cores: number;
  /** Of them, the main thread's: it relays all media, and is one. */
  main: number;
  memoryMb: number;
  /** Downloads under way. */
  readers: number;
}

/** An instance as busy as the autoscaler lets it become. What it has not itself, another instance fetched: the dearer hit. */
export function planInstance(assumed: Assumptions = ASSUMED, costs: Costs = MEASURED): InstancePlan {
  const { hitRate, latency, mediaBytes, visitorBits, podCores, workersUse } = assumed;
  const miss = 1 - hitRate;
  const gib = mediaBytes / GIB;
  const rate = podCores / (miss * costs.cold + hitRate * costs.hitShared + gib * costs.relayPerGib);
  const workers = Math.ceil(workersFor(rate * miss, latency + costs.overhead, workersUse) / 5) * 5;
  const readers = rate * ((mediaBytes * 8) / visitorBits);
  return {
    ...{ rate, workers, readers },
    cores: podCores,
    main: rate * (miss * costs.coldMain + hitRate * costs.hitShared + gib * costs.relayMainPerGib),
    memoryMb: memoryOf(workers, readers),
  };
}

/** MB of an instance with all workers busy. */
export function memoryOf(workers: number, readers = 0): number {
  return MEASURED.memoryBase + workers * MEASURED.memoryPerWorker + readers * MEASURED.memoryPerReader;
}

/** A fleet, or one cell of it, for so many posts a day. */
export interface FleetPlan {
  millions: number;
  cells: number;
  /** Posts a second. */
  mean: number;
  peak: number;
  /** At the peak. */
  instances: number;
  atMean: number;
  cores: number;
  memoryGb: number;
  /** Gbit/s of media at the peak: as much comes in as goes out. */
  gbits: number;
  /** Terabytes a day that go out to visitors. */
  terabytes: number;
  nginxCores: number;
  redisCores: number;
  redisBytes: number;
  coldRate: number;
  addresses: number;
}

export function planFleet(
  millions: number,
  assumed: Assumptions = ASSUMED,
  costs: Costs = MEASURED,
): FleetPlan {
  const instance = planInstance(assumed, costs);
  const miss = 1 - assumed.hitRate;
  const mean = (millions * 1e6) / DAY;
  const peak = mean * assumed.peak;
  // One more than the peak needs: any one of them may be gone.
  const cells = Math.ceil(millions / CELL_MILLIONS);
  const instances = cells * (Math.ceil(peak / cells / instance.rate) + 1);
  const bytes = peak * assumed.mediaBytes;
  return {
    ...{ millions, cells, mean, peak, instances },
    atMean: cells * (Math.ceil(mean / cells / instance.rate) + 1),
    cores: peak * (instance.cores / instance.rate),
    memoryGb: (instances * instance.memoryMb) / 1000,
    gbits: (bytes * 8) / 1e9,
    terabytes: (millions * 1e6 * assumed.mediaBytes) / 1e12,
    nginxCores: (bytes / GIB) * costs.nginxPerGib + peak * costs.nginxPerAnswer,
    redisCores: peak * (miss * costs.redisPerCold + assumed.hitRate * costs.redisPerHit),
    redisBytes: peak * miss * assumed.ttl * costs.redisBytesPerPost,
    coldRate: peak * miss,
    addresses: Math.ceil((peak * miss) / assumed.perAddress),
  };
}

/** Seconds that a post may wait in a queue; a neighbour is tried rather than waiting for longer. */
const LONGEST_WAIT = 10;

/** What an overlay in deploy/cells says, for a cell of so many posts a day. */
export interface CellManifest {
  maxWorkers: number;
  maxQueue: number;
  /** Workers of each pod that the autoscaler wants to be busy. */
  busyWorkers: number;
  minReplicas: number;
  maxReplicas: number;
  /** Mi. */
  memoryRequest: number;
  memoryLimit: number;
  /** MB. */
  redisMaxMemory: number;
  /** Mi. */
  redisMemory: number;
  /** Thousandths of a core. */
  redisCpu: number;
}

export function cellManifest(millions: number, assumed: Assumptions = ASSUMED): CellManifest {
  const instance = planInstance(assumed);
  const { atMean, instances, redisBytes, redisCores, cells } = planFleet(millions, assumed);
  const service = assumed.latency + MEASURED.overhead;
  const mebi = (megabytes: number) => (megabytes * MB) / 2 ** 20;
  const upTo = (value: number, step: number) => Math.ceil(value / step) * step;
  const redisMaxMemory = upTo((redisBytes / cells / MB) * 1.5, 256);
  return {
    maxWorkers: instance.workers,
    maxQueue: upTo((instance.workers / service) * LONGEST_WAIT, 50),
    busyWorkers: Math.floor(instance.workers * assumed.workersUse),
    // By night the fleet may be as small as the mean of the day asks for, and no smaller: the morning comes fast.
    minReplicas: Math.max(3, atMean / cells),
    // Half as many again as the planned peak: a hit rate, or a TikTok, worse than assumed.
    maxReplicas: Math.ceil((instances / cells) * 1.5),
    memoryRequest: upTo(mebi(instance.memoryMb), 128),
    // Films that are being rendered, and a heap that has grown.
    memoryLimit: upTo(mebi(instance.memoryMb) * 1.75, 256),
    redisMaxMemory,
    // Redis's own overhead, its clients' buffers and fragmentation.
    redisMemory: upTo(redisMaxMemory * 1.35, 256),
    redisCpu: upTo((redisCores / cells) * 1000 * 1.5, 100),
  };
}

/** The sizes that deploy/cells has, in millions of posts a day. */
export const CELLS = [10, CELL_MILLIONS] as const;
