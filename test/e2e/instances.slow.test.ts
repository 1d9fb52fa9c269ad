import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { healthy } from '../helpers/engine.ts';
import { until } from '../helpers/processes.ts';
import { NO_REDIS, TestRedis } from '../helpers/redis.ts';
import { type Service, startService } from '../helpers/service.ts';
import { type Standin, startStandin } from '../helpers/standin/index.ts';

if (NO_REDIS) process.stdout.write(`instances with Redis are not tested: ${NO_REDIS}\n`);

const INSTANCES = 3;
let standin: Standin;
let lastId = 7_430_000_000_000_000_000n;

interface Health {
  status: string;
  reasons: string[];
  cache: { hits: { memory: number; redis: number }; extractions: number };
  redis: { state: string; unanswered: number; refused: number; garbage: number; outages: number };
}

beforeAll(async () => {
  standin = await startStandin({ latencyMs: 100 });
});

afterAll(async () => {
  await standin.close();
});

function freshUrl(): string {
  lastId += 1n;
  return `https://www.tiktok.com/@many/video/${lastId}`;
}

function pagesOf(url: string): number {
  return standin.journal.find({ kind: 'page', postId: url.split('/').at(-1) ?? '' }).length;
}

async function healthOf({ baseUrl }: Service): Promise<Health> {
  return (await (await fetch(`${baseUrl}/health`)).json()) as Health;
}

async function metricsOf({ baseUrl }: Service): Promise<string> {
  return (await fetch(`${baseUrl}/metrics`)).text();
}

describe.skipIf(NO_REDIS !== null)('three instances with Redis', () => {
  let redis: TestRedis;
  let services: Service[];

  beforeAll(async () => {
    redis = await TestRedis.start();
    const env = { REDIS_URL: redis.url, MAX_WORKERS: '2' };
    services = await Promise.all(Array.from({ length: INSTANCES }, () => startService(standin, env)));
  });

  beforeEach(async () => {
    // A service on a busy machine does not wait for Redis when it starts.
    expect(await until(isShared, 10_000)).toBe(true);
    await redis.ask((client) => client.flushall());
    standin.faults.clear();
  });

  afterAll(async () => {
    await Promise.all(services.map((service) => service.stop()));
    await redis.stop();
  });

  async function isShared(): Promise<boolean> {
    return (await Promise.all(services.map(healthOf))).every((report) => report.redis.state !== 'down');
  }

  /** What happened since the start of a test, in the counters of an instance. */
  async function countsOf(service: Service): Promise<() => Promise<Health>> {
    const before = await healthOf(service);
    return async () => {
      const { cache, redis: store, ...now } = await healthOf(service);
      return {
        ...now,
        cache: {
          hits: {
            memory: cache.hits.memory - before.cache.hits.memory,
            redis: cache.hits.redis - before.cache.hits.redis,
          },
          extractions: cache.extractions - before.cache.extractions,
        },
        redis: {
          ...store,
          refused: store.refused - before.redis.refused,
          garbage: store.garbage - before.redis.garbage,
          outages: store.outages - before.redis.outages,
        },
      };
    };
  }

  function instance(number: number): Service {
    return services[number % INSTANCES] as Service;
  }

  /** Posts again and again on all instances, fresh ones and known ones, until told to stop; then what failed. */
  function load(): { failures: unknown[]; asked: () => number; stop: () => Promise<void> } {
    const failures: unknown[] = [];
    let running = true;
    let asked = 0;
    const known = freshUrl();
    const client = async (number: number) => {
      for (let turn = 0; running; turn += 1) {
        const { status, body } = await instance(number + turn).post(turn % 2 ? known : freshUrl());
        asked += 1;
        if (status !== 200) failures.push(body);
      }
    };
    const clients = Promise.all(Array.from({ length: 6 }, (_, number) => client(number)));
    return {
      failures,
      asked: () => asked,
      async stop() {
        running = false;
        await clients;
      },
    };
  }

  async function pause(ms: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, ms));
  }

  it('serve posts and links of each other', async () => {
    const url = freshUrl();
    const counts = await countsOf(instance(1));
    const first = await instance(0).post(url);
    const second = await instance(1).post(url);
    expect([first.body.cached, second.body.cached]).toEqual([false, true]);
    expect(pagesOf(url)).toBe(1);
    const link = new URL(String(first.body.download_link?.no_watermark));
    const response = await fetch(`${instance(2).baseUrl}${link.pathname}${link.search}`);
    expect(response.status).toBe(200);
    expect((await response.arrayBuffer()).byteLength).toBe(Number(response.headers.get('content-length')));
    expect((await counts()).cache.hits).toEqual({ memory: 0, redis: 1 });
  });

  it('extract a new post at most once each for 1,000 requests at the same time', async () => {
    const url = freshUrl();
    const counts = await Promise.all(services.map(countsOf));
    const answers = await Promise.all(
      Array.from({ length: 1000 }, (_, number) => instance(number).post(url)),
    );
    expect(answers.filter(({ status }) => status !== 200).map(({ body }) => body)).toEqual([]);
    expect(pagesOf(url)).toBeLessThanOrEqual(INSTANCES);
    const extractions = (await Promise.all(counts.map((count) => count()))).map(
      ({ cache }) => cache.extractions,
    );
    expect(Math.max(...extractions)).toBe(1);
  });

  it('remember together what does not exist', async () => {
    const absent = 'https://www.tiktok.com/@any/video/7000000000000000001';
    const before = pagesOf(absent);
    for (let number = 0; number < 6; number += 1) {
      expect((await instance(number).post(absent)).body.code).toBe('post_not_found');
    }
    expect(pagesOf(absent) - before).toBe(1);
  });

  it('count the requests of a client together', async () => {
    const env = { REDIS_URL: redis.url, MAX_WORKERS: '1', RATE_LIMIT_MAX: '10' };
    const limited = await Promise.all([startService(standin, env), startService(standin, env)]);
    try {
      const url = freshUrl();
      await limited[0]?.post(url);
      const answers = await Promise.all(
        Array.from({ length: 19 }, (_, number) => limited[number % 2]?.post(url)),
      );
      expect(answers.filter((answer) => answer?.status === 200)).toHaveLength(9);
      const refused = answers.filter((answer) => answer?.body.code === 'rate_limited');
      expect(refused).toHaveLength(10);
      expect(Number(refused[0]?.headers.get('retry-after'))).toBeGreaterThan(30);
      await redis.kill();
      const alone = await Promise.all(Array.from({ length: 15 }, () => limited[0]?.post(url)));
      expect(alone.filter((answer) => answer?.status === 200)).toHaveLength(10);
      await redis.start();
    } finally {
      await Promise.all(limited.map((service) => service.stop()));
    }
  });

  it.each<[string, (sick: TestRedis) => Promise<void>, (sick: TestRedis) => Promise<void>]>([
    ['killed', (sick) => sick.kill(), (sick) => sick.start()],
    ['frozen', async (sick) => sick.signal('SIGSTOP'), async (sick) => sick.signal('SIGCONT')],
  ])('lose no request while Redis is %s, and use it again by themselves', async (_, fall, rise) => {
    const counts = await countsOf(instance(0));
    const running = load();
    await pause(500);
    const before = running.asked();
    await fall(redis);
    await pause(2000);
    const during = running.asked() - before;
    expect((await counts()).redis).toMatchObject({ state: 'down', outages: 1 });
    await rise(redis);
    const isBack = async () => {
      const reports = await Promise.all(services.map(healthOf));
      return reports.every((report) => report.redis.state === 'up' && report.status === healthy);
    };
    expect(await until(isBack, 15_000)).toBe(true);
    await running.stop();
    expect(running.failures).toEqual([]);
    expect(during).toBeGreaterThan(20);
    const url = freshUrl();
    await instance(0).post(url);
    expect((await instance(1).post(url)).body.cached).toBe(true);
  });

  it('lose no request to a Redis that is full', async () => {
    const counts = await countsOf(instance(0));
    await redis.ask(async (client) => {
      await client.config('SET', 'maxmemory-policy', 'noeviction');
      await client.config('SET', 'maxmemory', '1');
    });
    const url = freshUrl();
    const answers = await Promise.all(Array.from({ length: 30 }, (_, number) => instance(number).post(url)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    const { status, reasons, redis: report } = await counts();
    expect(report.refused).toBeGreaterThan(0);
    expect([status, report.state]).toEqual(['degraded', 'refusing']);
    expect(reasons.join()).toMatch(/it is full.*\(OOM\)/);
    await redis.ask((client) => client.config('SET', 'maxmemory', '0'));
    const next = freshUrl();
    await instance(0).post(next);
    expect((await instance(1).post(next)).body.cached).toBe(true);
  });

  it('lose no request to a Redis that rejects their password', async () => {
    const user = async (password: string) =>
      void (await redis.ask((client) =>
        client.call('ACL', 'SETUSER', 'new', 'on', `>${password}`, '~*', '+@all'),
      ));
    await user('right');
    const service = await startService(standin, {
      REDIS_URL: redis.url.replace('//', '//new:wrong4711@'),
      MAX_WORKERS: '1',
    });
    try {
      const url = freshUrl();
      expect((await service.post(url)).status).toBe(200);
      expect((await service.post(url)).body.cached).toBe(true);
      const isSaid = async () => (await healthOf(service)).reasons.join().includes('WRONGPASS');
      expect(await until(isSaid, 10_000)).toBe(true);
      const report = await healthOf(service);
      expect(report).toMatchObject({ status: 'degraded', redis: { state: 'down' } });
      expect(report.reasons.join()).toMatch(/it rejects the user or the password in REDIS_URL/);
      expect(await metricsOf(service)).toMatch(/^tiktok_redis_up 0$/m);
      await user('wrong4711');
      expect(await until(async () => (await healthOf(service)).status === healthy, 10_000)).toBe(true);
      expect(await metricsOf(service)).toMatch(/^tiktok_redis_up 1$/m);
      expect(JSON.stringify([report, service.log])).not.toContain('wrong4711');
    } finally {
      await service.stop();
    }
  });

  it('lose no request to values under their keys that do not parse', async () => {
    const counts = await countsOf(instance(0));
    const urls = Array.from({ length: 4 }, freshUrl);
    const idOf = (url: string) => url.split('/').at(-1);
    await redis.ask(async (client) => {
      const [list, text, shape, old] = urls.map((url) => `tiktok:${idOf(url)}`);
      const until = Date.now() + 60_000;
      await client.lpush(`ttdl:1:post:${list}`, 'x');
      await client.set(`ttdl:1:post:${text}`, '{"until":');
      await client.set(`ttdl:1:post:${shape}`, JSON.stringify({ until, post: { ref: { id: '1' } } }));
      await client.set(`ttdl:1:post:${old}`, JSON.stringify({ until, absent: 'no such code' }));
    });
    for (const url of urls) {
      expect((await instance(0).post(url)).status).toBe(200);
      expect((await instance(1).post(url)).body.cached).toBe(true);
    }
    expect((await counts()).redis.garbage).toBe(3);
  });
});

describe('a service whose Redis is down at the start', () => {
  it('works without it', async () => {
    const service = await startService(standin, {
      REDIS_URL: 'redis://:pw4711@127.0.0.1:1',
      MAX_WORKERS: '1',
    });
    try {
      const url = freshUrl();
      expect((await service.post(url)).status).toBe(200);
      expect((await service.post(url)).body.cached).toBe(true);
      const report = await healthOf(service);
      expect(report).toMatchObject({ status: 'degraded', redis: { state: 'down' } });
      expect(JSON.stringify([report, service.log])).not.toContain('pw4711');
    } finally {
      await service.stop();
    }
  });
});
