import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bounds,
  cacheUse,
  hitRateFor,
  meanWait,
  streamThroughput,
  waitingShare,
  workersFor,
  workersThroughput,
} from '../../scripts/scaling/model.ts';

const COSTS = { cold: 0.007, coldMain: 0.0008, hit: 0.0002, hitMain: 0.00017 };

/** Park and Miller's: the same in every run. */
function seeded(): () => number {
  let state = 4711;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

describe('workers that never lack work', () => {
  it('are as fast as TikTok lets them be where processors idle', () => {
    const perSecond = workersThroughput({ workers: 20, latency: 1, cpu: 0.007, cores: 64 });
    expect(perSecond).toBeCloseTo(20 / 1.007, 1);
  });

  it('are as fast as the processors where TikTok takes no time', () => {
    expect(workersThroughput({ workers: 40, latency: 0, cpu: 0.007, cores: 2 })).toBeCloseTo(2 / 0.007, 0);
    expect(workersThroughput({ workers: 40, latency: 0, cpu: 0.007, cores: 0.5 })).toBeCloseTo(
      0.5 / 0.007,
      0,
    );
  });

  it('one of them is what a lone visitor sees', () => {
    expect(workersThroughput({ workers: 1, latency: 0.3, cpu: 0.007, cores: 2 })).toBeCloseTo(1 / 0.307, 6);
  });

  it('never exceed either bound, and more of them never do less', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.double({ min: 0, max: 3, noNaN: true }),
        fc.double({ min: 0.001, max: 0.05, noNaN: true }),
        fc.integer({ min: 1, max: 32 }),
        (workers, latency, cpu, cores) => {
          const perSecond = workersThroughput({ workers, latency, cpu, cores });
          expect(perSecond).toBeLessThanOrEqual((workers / (latency + cpu)) * 1.000_001);
          expect(perSecond).toBeLessThanOrEqual((cores / cpu) * 1.000_001);
          const more = workersThroughput({ workers: workers + 1, latency, cpu, cores });
          expect(more).toBeGreaterThanOrEqual(perSecond * 0.999_999);
        },
      ),
    );
  });
});

describe('a stream in which posts repeat', () => {
  const stream = { workers: 20, latency: 0.3, hitRate: 0, cores: 2 };

  it('is bounded by new posts: hits multiply them, up to what the processors can', () => {
    const cold = streamThroughput(stream, COSTS);
    expect(cold).toBeCloseTo(workersThroughput({ ...stream, cpu: COSTS.cold }), 3);
    expect(streamThroughput({ ...stream, hitRate: 0.5 }, COSTS) / cold).toBeCloseTo(2, 1);
    expect(streamThroughput({ ...stream, hitRate: 0.8 }, COSTS) / cold).toBeLessThan(5);
    const nearlyAll = { ...stream, hitRate: 0.999 };
    expect(streamThroughput(nearlyAll, COSTS)).toBeLessThanOrEqual(bounds(nearlyAll, COSTS).main);
  });

  it('80 % repeated cannot be ten times as fast as none; some 91 % can', () => {
    expect(hitRateFor(5, 0)).toBeCloseTo(0.8);
    expect(hitRateFor(10, 0)).toBeCloseTo(0.9);
    const needed = hitRateFor(10, COSTS.hit / COSTS.cold);
    expect(needed).toBeGreaterThan(0.92);
    const fast = { ...stream, latency: 0, workers: 40 };
    const times =
      streamThroughput({ ...fast, hitRate: needed }, COSTS) /
      streamThroughput({ ...fast, hitRate: 0 }, COSTS);
    expect(times).toBeCloseTo(10, 0);
    // On more cores new posts are faster, but hits are all the main thread's.
    const wide = { ...fast, cores: 16, hitRate: 0.99 };
    expect(streamThroughput(wide, COSTS)).toBeCloseTo(bounds(wide, COSTS).main, 0);
  });
});

describe('the wait for a worker', () => {
  it("is Erlang's", () => {
    expect(waitingShare(1, 0.6)).toBeCloseTo(0.6);
    expect(waitingShare(2, 1)).toBeCloseTo(1 / 3);
    expect(waitingShare(10, 10)).toBe(1);
    expect(waitingShare(1000, 900)).toBeGreaterThan(0);
    expect(meanWait({ workers: 1, rate: 0.5, service: 1, spread: 1 })).toBeCloseTo(1);
    expect(meanWait({ workers: 1, rate: 0.5, service: 1, spread: 0 })).toBeCloseTo(0.5);
    expect(meanWait({ workers: 2, rate: 2, service: 1, spread: 1 })).toBe(Number.POSITIVE_INFINITY);
  });

  it('is that of a simulation in which TikTok always takes as long', () => {
    const random = seeded();
    const free = [0, 0, 0, 0, 0];
    let now = 0;
    let waited = 0;
    const posts = 200_000;
    for (let n = 0; n < posts; n += 1) {
      now += -Math.log(random()) / 4;
      const first = free.indexOf(Math.min(...free));
      const begins = Math.max(now, free[first] ?? 0);
      waited += begins - now;
      free[first] = begins + 1;
    }
    const predicted = meanWait({ workers: 5, rate: 4, service: 1, spread: 0 });
    expect(predicted / (waited / posts)).toBeGreaterThan(0.9);
    expect(predicted / (waited / posts)).toBeLessThan(1.1);
  });

  it('says how many workers a rate wants', () => {
    expect(workersFor(30, 1, 0.75)).toBe(40);
  });
});

describe('the hit rate', () => {
  it('of a single post is λT / (1 + λT)', () => {
    const { hitRate, kept } = cacheUse({ rate: 0.1, posts: 1, skew: 1, ttl: 300 });
    expect(hitRate).toBeCloseTo(30 / 31);
    expect(kept).toBeCloseTo(30 / 31);
  });

  it.each([
    ['that keeps all', 300, Number.POSITIVE_INFINITY, 0.02],
    ['that has room for few', 300, 400, 0.06],
  ])('is that of a simulated cache %s', (_name, ttl, capacity, tolerance) => {
    const demand = { rate: 20, posts: 20_000, skew: 1, ttl };
    expect(Math.abs(cacheUse({ ...demand, capacity }).hitRate - simulate(demand, capacity))).toBeLessThan(
      tolerance,
    );
  });

  it('rises with rate, lifetime and skew, and never with less room', () => {
    const base = { rate: 100, posts: 1e6, skew: 1, ttl: 300 };
    const { hitRate } = cacheUse(base);
    expect(cacheUse({ ...base, rate: 1000 }).hitRate).toBeGreaterThan(hitRate);
    expect(cacheUse({ ...base, ttl: 3600 }).hitRate).toBeGreaterThan(hitRate);
    expect(cacheUse({ ...base, skew: 1.2 }).hitRate).toBeGreaterThan(hitRate);
    expect(cacheUse({ ...base, capacity: 1000 }).hitRate).toBeLessThan(hitRate);
    expect(cacheUse({ ...base, capacity: 1e7 }).hitRate).toBe(hitRate);
  });
});

/** A cache with a lifetime from the fetch on, the least recently used of which goes when it is full. */
function simulate(
  { rate, posts, skew, ttl }: { rate: number; posts: number; skew: number; ttl: number },
  capacity: number,
): number {
  const random = seeded();
  const sums: number[] = [];
  let total = 0;
  for (let rank = 1; rank <= posts; rank += 1) {
    total += rank ** -skew;
    sums.push(total);
  }
  const draw = () => {
    const at = random() * total;
    let [low, high] = [0, posts - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] ?? 0) < at) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const ends = new Map<number, number>();
  let [now, hits, asked] = [0, 0, 0];
  for (let n = 0; n < 200_000; n += 1) {
    now += -Math.log(random()) / rate;
    const post = draw();
    const end = ends.get(post) ?? 0;
    const isHit = end > now;
    ends.delete(post);
    ends.set(post, isHit ? end : now + ttl);
    if (ends.size > capacity) ends.delete(ends.keys().next().value ?? -1);
    // From an empty cache on, the first lifetimes tell nothing.
    if (now < 2 * ttl) continue;
    asked += 1;
    if (isHit) hits += 1;
  }
  return hits / asked;
}
