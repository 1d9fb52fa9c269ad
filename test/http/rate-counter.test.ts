import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RedisStore } from '../../src/cache/index.ts';
import { networksOf } from '../../src/http/client-key.ts';
import { RateCounter, type RateLimit } from '../../src/http/rate-counter.ts';
import { NO_REDIS, TestRedis } from '../helpers/redis.ts';

const LIMIT: RateLimit = { kind: 'work', max: 3, windowMs: 60_000 };

/** What every place of the counts has to do alike. */
function behavesAsCounter(counter: () => RateCounter): void {
  const counts = async (addresses: string[], cost = 1) => {
    const all: number[] = [];
    for (const address of addresses)
      all.push((await counter().add(networksOf(address), cost, LIMIT)).current);
    return all;
  };

  it('counts each client', async () => {
    expect(await counts(['192.0.2.1', '192.0.2.2', '192.0.2.1', '192.0.2.1'])).toEqual([1, 1, 2, 3]);
  });

  it('adds the cost', async () => {
    expect(await counts(['192.0.2.9', '192.0.2.9'], 5)).toEqual([5, 10]);
  });

  it('counts half in a /56 and a quarter in a /48', async () => {
    const of = (n: number) => `2001:db8:1:10${n}::1`;
    expect(await counts([1, 2, 3, 4, 5, 6, 7].map(of))).toEqual([1, 1, 2, 2, 3, 3, 4]);
    const across = (n: number) => `2001:db8:2:${n}00::1`;
    expect(await counts([1, 2, 3, 4, 5, 6, 7, 8, 9].map(across))).toEqual([1, 1, 1, 1, 2, 2, 2, 2, 3]);
  });

  it('does not count for wider networks what is beyond the limit of a narrower', async () => {
    await counts(Array.from({ length: 30 }, () => '2001:db8:3:101::1'));
    expect(await counts(['2001:db8:3:102::1'])).toEqual([2]);
  });

  it('keeps kinds apart, and says when the window ends', async () => {
    const limit = { ...LIMIT, kind: 'downloads' };
    const { current, ttl } = await counter().add(networksOf('192.0.2.1'), 1, limit);
    expect(current).toBe(1);
    expect(ttl).toBeGreaterThan(50_000);
    expect(ttl).toBeLessThanOrEqual(60_000);
  });

  it('begins again after the window', async () => {
    const limit = { ...LIMIT, kind: 'short', windowMs: 50 };
    const add = () => counter().add(networksOf('192.0.2.1'), 1, limit);
    expect([(await add()).current, (await add()).current]).toEqual([1, 2]);
    await new Promise((resolve) => setTimeout(resolve, 80));
    expect((await add()).current).toBe(1);
  });
}

describe('RateCounter in memory', () => {
  const counter = new RateCounter(null, 1000);
  behavesAsCounter(() => counter);
});

describe.skipIf(NO_REDIS)('RateCounter in Redis', () => {
  let redis: TestRedis;
  let store: RedisStore;
  let counter: RateCounter;

  beforeAll(async () => {
    redis = await TestRedis.start();
    store = await RedisStore.open(redis.url, pino({ level: 'silent' }));
    counter = new RateCounter(store, 1000);
  });

  afterAll(async () => {
    await store.close();
    await redis.stop();
  });

  behavesAsCounter(() => counter);

  it('shares counts between instances', async () => {
    const other = new RateCounter(store, 1000);
    const add = (one: RateCounter) => one.add(networksOf('198.51.100.1'), 1, LIMIT);
    expect([(await add(counter)).current, (await add(other)).current]).toEqual([1, 2]);
  });

  it('gives every key an expiry', async () => {
    const ttls = await redis.ask(async (client) => {
      const keys = await client.keys('*limit:*');
      return Promise.all(keys.map((key) => client.pttl(key)));
    });
    expect(ttls.length).toBeGreaterThan(5);
    expect(ttls.filter((ttl) => ttl < 0)).toEqual([]);
  });

  it('counts in memory while Redis is gone', async () => {
    await redis.kill();
    const add = async () => (await counter.add(networksOf('198.51.100.2'), 1, LIMIT)).current;
    expect([await add(), await add(), await add()]).toEqual([1, 2, 3]);
  });
});
