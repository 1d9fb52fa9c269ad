/**
 * The capacity model of docs/SCALING.md, as pure functions. Seconds, bytes and cores throughout, unless a name says
 * otherwise. `check.ts` measures whether it is true; `fleet.ts` plans with it.
 */

/** A stream of POST /tiktok, as one instance sees it. */
export interface Stream {
  /** MAX_WORKERS. */
  workers: number;
  /** Of TikTok's answer. */
  latency: number;
  /** Share of the requests that the cache answers, 0 to below 1. */
  hitRate: number;
  /** Cores that the work can have; what else runs on them is taken off. */
  cores: number;
}

/** CPU seconds of one request, by what it finds. */
export interface RequestCosts {
  /** All that a new post costs on these cores. */
  cold: number;
  /** Of which on Node's main thread, which is one. */
  coldMain: number;
  /** All that a post out of the cache costs, and of which on the main thread. */
  hit: number;
  hitMain: number;
}

/**
 * New posts a second of so many workers that never lack work, where each post waits `latency` for TikTok and then wants
 * `cpu` of the `cores`: mean value analysis of a closed network (a delay and one queue for the processors, of which
 * several count as one that is so many times as fast plus a delay, after Seidmann). Tends to workers / (latency + cpu)
 * where processors idle, and to cores / cpu where they do not.
 */
export function workersThroughput({
  workers,
  latency,
  cpu,
  cores,
}: {
  workers: number;
  latency: number;
  cpu: number;
  cores: number;
}): number {
  const demand = cpu / Math.max(1, cores);
  // Less than one core is a slower one.
  const slow = Math.max(1, 1 / cores);
  const delay = latency + cpu - demand;
  let queue = 0;
  let throughput = 0;
  for (let n = 1; n <= workers; n += 1) {
    const wait = demand * slow * (1 + queue);
    throughput = n / (delay + wait);
    queue = throughput * wait;
  }
  return throughput;
}

/** What stops an instance from taking more, posts a second of the stream (hits and misses). */
export interface Bounds {
  /** workers / latency / miss rate. */
  workers: number;
  /** All cores. */
  cpu: number;
  /** Node's main thread. */
  main: number;
}

/** Each bound by itself. */
export function bounds({ workers, latency, hitRate, cores }: Stream, costs: RequestCosts): Bounds {
  const miss = 1 - hitRate;
  return {
    workers: workers / (latency + costs.cold) / miss,
    cpu: cores / (miss * costs.cold + hitRate * costs.hit),
    main: 1 / (miss * costs.coldMain + hitRate * costs.hitMain),
  };
}

/**
 * Requests a second of the whole stream when more visitors wait than can be served. New posts go through the workers;
 * the hits that come between take CPU from them, so that each new post finds the processors that much slower.
 */
export function streamThroughput(stream: Stream, costs: RequestCosts): number {
  const { workers, latency, hitRate, cores } = stream;
  const miss = 1 - hitRate;
  const { cpu, main } = bounds(stream, costs);
  const ceiling = Math.min(cpu, main) * miss;
  // The new posts for which what the workers can do, given the hits that come with them, is just what they do.
  let [low, high] = [0, ceiling];
  for (let step = 0; step < 60; step += 1) {
    const cold = (low + high) / 2;
    const busyWithHits = Math.min(0.999, (cold * (hitRate / miss) * costs.hit) / cores);
    const able = workersThroughput({ workers, latency, cpu: costs.cold / (1 - busyWithHits), cores });
    if (able > cold) low = cold;
    else high = cold;
  }
  return low / miss;
}

/**
 * The hit rate from which a stream is `times` as fast as one of new posts only, both as fast as they can be. Where
 * workers bound both, that is 1 − 1/times; where the processors do, hits are not free and it is a little more.
 * @param hitShare CPU of a hit over that of a new post; 0 where workers are the bound
 */
export function hitRateFor(times: number, hitShare: number): number {
  return (1 - 1 / times) / (1 - hitShare);
}

/** Erlang's C: the share of new posts that find all workers busy, when `load` of them are on average. */
export function waitingShare(workers: number, load: number): number {
  if (load >= workers) return 1;
  // Erlang's B by its recursion, which does not overflow.
  let blocked = 1;
  for (let n = 1; n <= workers; n += 1) blocked = (load * blocked) / (n + load * blocked);
  return blocked / (1 - (load / workers) * (1 - blocked));
}

/**
 * Mean wait for a worker, for new posts that come by chance (Poisson): M/M/c, times (1 + spread²) / 2 for services that
 * vary less than exponentially (Allen and Cunneen). TikTok's answers that all take equally long halve it.
 * @param service seconds that a post keeps a worker
 * @param spread deviation of `service` over its mean: 0 constant, 1 exponential
 */
export function meanWait({
  workers,
  rate,
  service,
  spread,
}: {
  workers: number;
  rate: number;
  service: number;
  spread: number;
}): number {
  const load = rate * service;
  if (load >= workers) return Number.POSITIVE_INFINITY;
  return ((waitingShare(workers, load) * service) / (workers - load)) * ((1 + spread ** 2) / 2);
}

/** Workers of which a mean share `use` is busy at this rate of new posts. */
export function workersFor(coldRate: number, service: number, use: number): number {
  return Math.ceil((coldRate * service) / use);
}

/** What is asked for, and for how long an answer is kept. */
export interface Demand {
  /** Requests a second that one cache sees. */
  rate: number;
  /** Different posts that are asked for at all. */
  posts: number;
  /** Zipf's exponent: the n-th most wanted post is asked for in proportion to n^−skew. */
  skew: number;
  /** CACHE_TTL. */
  ttl: number;
  /** Posts for which the cache has room. */
  capacity?: number;
}

export interface CacheUse {
  hitRate: number;
  /** Posts in the cache, on average. */
  kept: number;
}

/** Posts of nearly the same rank, taken together. */
interface Group {
  posts: number;
  /** Requests a second for each of them. */
  rate: number;
}

/**
 * The hit rate of a cache that keeps each post for `ttl` from when it was fetched. Between two fetches of a post lie a
 * miss and rate × ttl hits (renewal), so hᵢ = λᵢT / (1 + λᵢT), which is also the share of the time for which it is kept.
 * Where the cache has not room for them all, the least recently used goes: then a post survives a pause of at most t,
 * the same t for all of them (Che), at which they fill the room; the lower of the two rates holds.
 */
export function cacheUse({ rate, posts, skew, ttl, capacity = Number.POSITIVE_INFINITY }: Demand): CacheUse {
  const groups = zipf(rate, posts, skew);
  const byTtl = ({ rate: r }: Group) => (r * ttl) / (1 + r * ttl);
  const sum = (share: (group: Group) => number) =>
    groups.reduce((total, group) => total + group.posts * share(group), 0);
  const unbounded = sum(byTtl);
  const survives = unbounded <= capacity ? Number.POSITIVE_INFINITY : characteristicTime(sum, capacity);
  const share = (group: Group) => Math.min(byTtl(group), 1 - Math.exp(-group.rate * survives));
  const hits = groups.reduce((total, group) => total + group.posts * group.rate * share(group), 0);
  return { hitRate: hits / rate, kept: Math.min(unbounded, capacity) };
}

/** Che's t: posts that were asked for within it are just as many as there is room for. */
function characteristicTime(sum: (share: (group: Group) => number) => number, capacity: number): number {
  let [low, high] = [-20, 60];
  for (let step = 0; step < 80; step += 1) {
    const middle = (low + high) / 2;
    if (sum(({ rate }) => 1 - Math.exp(-rate * 2 ** middle)) < capacity) low = middle;
    else high = middle;
  }
  return 2 ** low;
}

/** Ranks up to this stand for themselves; beyond it, groups grow by a twentieth. */
const EXACT_RANKS = 2000;
const GROUP_GROWTH = 1.05;

function zipf(rate: number, posts: number, skew: number): Group[] {
  const groups: Group[] = [];
  for (let first = 1; first <= posts; ) {
    const next = first < EXACT_RANKS ? first + 1 : Math.max(first + 1, Math.floor(first * GROUP_GROWTH));
    const last = Math.min(next - 1, posts);
    groups.push({ posts: last - first + 1, rate: ((first + last) / 2) ** -skew });
    first = last + 1;
  }
  const total = groups.reduce((sum, group) => sum + group.posts * group.rate, 0);
  return groups.map((group) => ({ posts: group.posts, rate: (group.rate / total) * rate }));
}
