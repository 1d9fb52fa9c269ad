import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { RedisStore } from '../../src/cache/index.ts';
import { TwoTierCache } from '../../src/cache/two-tier-cache.ts';
import { until } from '../helpers/processes.ts';
import { NO_REDIS, startCluster, type TestRedis } from '../helpers/redis.ts';
import { somePost } from './sample-post.ts';

if (NO_REDIS) process.stdout.write(`a Redis cluster is not tested: ${NO_REDIS}\n`);

const log = pino({ level: 'silent' });
const POSTS = 60;
const always = () => true;

describe.skipIf(NO_REDIS !== null)('a Redis cluster of three nodes', () => {
  let nodes: TestRedis[];
  const open: RedisStore[] = [];

  beforeAll(async () => {
    nodes = await startCluster();
  });
  afterEach(() => {
    for (const store of open.splice(0)) store.close();
  });
  afterAll(() => Promise.all(nodes.map((node) => node.stop())));

  async function connect(url = nodes.map((node) => node.url).join()): Promise<RedisStore> {
    const store = await RedisStore.open(url, log);
    open.push(store);
    return store;
  }

  async function connected(url?: string): Promise<RedisStore> {
    const store = await connect(url);
    expect(await until(() => store.status.state === 'up', 10_000)).toBe(true);
    return store;
  }

  const keysOf = (node: TestRedis) => node.ask((client) => client.dbsize());

  it('shares posts and short links between instances, over all nodes', async () => {
    const [first, second] = [new TwoTierCache(await connected()), new TwoTierCache(await connected())];
    const until = Date.now() + 60_000;
    const ids = Array.from({ length: POSTS }, (_, n) => `tiktok:${n}`);
    await Promise.all(ids.map((id) => first.set(id, { until, post: somePost(id) })));
    await first.setTarget('https://vm.tiktok.com/ZSabc/', { platform: 'tiktok', id: '7' });
    const found = await Promise.all(ids.map((id) => second.get(id, always)));
    expect(found.map((entry) => entry && 'post' in entry && entry.post.ref.id)).toEqual(ids);
    expect(await second.target('https://vm.tiktok.com/ZSabc/')).toEqual({ platform: 'tiktok', id: '7' });
    expect(second.status.hits).toEqual({ memory: 0, redis: POSTS });
    const keys = await Promise.all(nodes.map(keysOf));
    expect(keys.reduce((a, b) => a + b)).toBe(POSTS + 1);
    expect(Math.min(...keys)).toBeGreaterThan(0);
  });

  it('counts with a script of one key', async () => {
    const store = await connected();
    const script = `local n = redis.call('incr', KEYS[1]) redis.call('pexpire', KEYS[1], ARGV[1]) return n`;
    for (const client of ['a', 'b', 'c']) {
      const counts = await Promise.all(
        [1, 2, 3].map(() => store.run((redis) => redis.eval(script, 1, `limit:${client}`, 60_000))),
      );
      expect(counts).toEqual([1, 2, 3]);
    }
  });

  it('takes node addresses without scheme after the first', async () => {
    const [first, ...others] = nodes.map(({ url }) => url);
    const store = await connected([first, ...others.map((url) => new URL(url).host)].join());
    expect(await store.run((redis) => redis.set('a', 'b'))).toBe('OK');
  });

  it('is reported where REDIS_URL names one node only', async () => {
    const store = await connected(nodes[0]?.url);
    await Promise.all(Array.from({ length: 20 }, (_, n) => store.run((redis) => redis.set(`key ${n}`, 'x'))));
    expect(store.status).toMatchObject({
      state: 'refusing',
      problem: expect.stringMatching(/cluster.*MOVED/),
    });
  });

  it('delays no command for long while a node is down, and recovers', async () => {
    const store = await connected();
    await nodes[2]?.kill();
    const waits: number[] = [];
    for (let n = 0; n < 60; n += 1) {
      const began = performance.now();
      await store.run((redis) => redis.set(`key ${n}`, 'x'));
      waits.push(performance.now() - began);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    // A command waits half a second; the rest is the machine.
    expect(Math.max(...waits)).toBeLessThan(3000);
    await until(() => store.status.state !== 'up', 10_000);
    expect(store.status.state).not.toBe('up');
    await nodes[2]?.start();
    const works = async () => {
      const replies = await Promise.all(
        Array.from({ length: 30 }, (_, n) => store.run((redis) => redis.set(`key ${n}`, 'x'))),
      );
      return replies.every((reply) => reply === 'OK');
    };
    expect(await until(works, 20_000)).toBe(true);
  });
});
