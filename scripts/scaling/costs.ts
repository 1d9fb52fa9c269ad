/**
 * The figures that the fleet is planned with: those measured, each with the command that measures it, and those that
 * nobody here can measure. docs/SCALING.md and the overlays in deploy/cells are made from these; after a change,
 * `npx tsx scripts/scaling/fleet.ts` prints both anew, and the tests say what no longer agrees.
 */

/** Measured on the machine of docs/PERFORMANCE.md: 2 cores, Node 20, stand-in for TikTok. */
export const MEASURED = {
  /** CPU seconds of a new post: all of it, and on Node's main thread. `npm run bench -- --only cold` (100 at once). */
  cold: 0.0067,
  coldMain: 0.0012,
  /** CPU seconds of a post out of the own memory. `npm run bench -- --only cache`. */
  hit: 0.00016,
  /** The same of one that another instance fetched: read from Redis and checked. `check.ts --only shared`. */
  hitShared: 0.00084,
  /** CPU seconds that Redis adds to a new post and to one that another instance has. `check.ts --only shared`. */
  redisPerCold: 0.000257,
  redisPerHit: 0.0000358,
  /** Of Redis's memory for each post, bytes. `check.ts --only shared`. */
  redisBytesPerPost: 12_400,
  /** CPU seconds for each GiB relayed, 20 streams at once, medians of five runs: all, the main thread, nginx before it. */
  relayPerGib: 1.98,
  relayMainPerGib: 1.69,
  nginxPerGib: 0.44,
  /** CPU seconds of nginx for each answer out of the cache. Both by `check.ts --only front`. */
  nginxPerAnswer: 0.000075,
  /** Seconds that a lone new post takes beyond TikTok's own time. `npm run bench -- --only cold`. */
  overhead: 0.01,
  /** MB (PSS) of an instance whose workers are all busy: without workers, and for each. `check.ts --only memory`. */
  memoryBase: 165,
  memoryPerWorker: 16,
  /** MB for each slow reader. `npm run bench -- --only relay` (200 readers: 17 MB). */
  memoryPerReader: 0.085,
} as const;

/** Not to be measured without TikTok, visitors and a bill. Change them to yours and run `fleet.ts` again. */
export const ASSUMED = {
  /** The busiest minutes of the day over its mean. */
  peak: 2.5,
  /** Of the requests that the cache answers. */
  hitRate: 0.5,
  /** Seconds that TikTok takes for a page, through a proxy. */
  latency: 1,
  /** Files fetched for each post asked for, times their size. */
  mediaBytes: 8e6,
  /** Bits a second at which a visitor reads. */
  visitorBits: 10e6,
  /** CACHE_TTL, seconds. */
  ttl: 300,
  /** New posts a second that TikTok bears from one address: unknown. */
  perAddress: 1,
  /** Cores that are busy in an instance at the peak: where the autoscaler adds another (deploy/kubernetes). */
  podCores: 0.7,
  /** Share of the workers that is busy then. */
  workersUse: 0.7,
} as const;

/** Millions of posts a day that one cell (its front, its instances, its Redis) is planned for, at most. */
export const CELL_MILLIONS = 50;
