import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../helpers/processes.ts';
import { type Body, freePort, type Service, startService } from '../helpers/service.ts';
import { type Standin, startStandin } from '../helpers/standin/index.ts';
import { rssOf, watchControl, watchHealth } from '../helpers/watch.ts';

/** Thousands of clients at the same time. */

let standin: Standin;
let lastId = 7_420_000_000_000_000_000n;

beforeAll(async () => {
  standin = await startStandin({ latencyMs: 100, pageBytes: 20_000 });
});

afterAll(async () => {
  await standin.close();
});

function fresh(): { url: string; id: string } {
  lastId += 1n;
  return { id: String(lastId), url: `https://www.tiktok.com/@crowd/video/${lastId}` };
}

const from = (client: string) => ({ 'x-forwarded-for': client });
const workersOf = async (service: Service) =>
  ((await (await fetch(`${service.baseUrl}/health`)).json()) as { workers: Record<string, number> }).workers;

interface Ended {
  id: string;
  body: Body;
  status: number;
  retryAfter: string | null;
  tries: number;
}

/** Sends a post, and again after Retry-After while the server is busy. */
async function visit(service: Service, index: number): Promise<Ended> {
  const { id, url } = fresh();
  for (let tries = 1; ; tries += 1) {
    const { status, body, headers } = await service.post(url, from(`10.1.${index >> 8}.${index & 255}`));
    const ended = { id, status, body, retryAfter: headers.get('retry-after'), tries };
    if (body.code !== 'busy' || tries === 10) return ended;
    expect(status).toBe(503);
    expect(body.retry_after).toBe(Number(ended.retryAfter));
    expect(body.retry_after).toBeGreaterThanOrEqual(1);
    await sleep(Number(ended.retryAfter) * 1000);
  }
}

describe('2,000 clients at once on 20 workers', () => {
  it('all get their post, at once or after Retry-After, and /health on MANAGEMENT_PORT answers all the while', {
    timeout: 240_000,
  }, async () => {
    const managementPort = await freePort();
    const service = await startService(standin, {
      MAX_QUEUE: '500',
      TRUST_PROXY: 'true',
      MANAGEMENT_PORT: String(managementPort),
    });
    try {
      // All threads are there, and the queue knows how long a post takes.
      await Promise.all(Array.from({ length: 60 }, () => service.post(fresh().url)));
      const idleRss = rssOf(service.pid);
      const health = watchHealth(`http://127.0.0.1:${managementPort}`, service.pid);
      const control = await watchControl();
      const began = performance.now();
      let peak = 0;
      const watch = setInterval(() => {
        peak = Math.max(peak, rssOf(service.pid));
      }, 200);
      const all = await Promise.all(Array.from({ length: 2000 }, (_, index) => visit(service, index)));
      clearInterval(watch);
      const seconds = (performance.now() - began) / 1000;
      const [times, bare] = await Promise.all([health(), control()]);
      const served = (tries: number) => all.filter((one) => one.status === 200 && one.tries <= tries).length;
      process.stdout.write(
        `\n2,000 POSTs at once: ${served(10)} served in ${seconds.toFixed(1)} s, ${served(1)} at once, ` +
          `${served(2) - served(1)} when first told to come back, ${served(10) - served(2)} later; /health median ` +
          `${times.median} ms, p99 ${times.p99} ms, longest ${times.max} ms of ${times.asked}, after ` +
          `${times.maxWork} ms of work at most; a bare server beside it ${bare.median}, ${bare.p99}, ${bare.max} ms; RSS ` +
          `${Math.round(idleRss)} → ${Math.round(peak)} MiB\n`,
      );
      expect(all.filter(({ status }) => status !== 200).map(({ body }) => body)).toEqual([]);
      expect(all.filter(({ id, body }) => body.id !== id)).toEqual([]);
      // The queue was full, and Retry-After was right.
      expect(served(1)).toBeGreaterThanOrEqual(500);
      expect(served(1)).toBeLessThan(2000);
      expect(served(2)).toBeGreaterThanOrEqual(1600);
      expect(times.failed).toEqual([]);
      expect(times.asked).toBeGreaterThan(50);
      expect(times.median).toBeLessThan(100 + 10 * bare.median);
      expect(peak - idleRss).toBeLessThan(400);
      expect(await workersOf(service)).toMatchObject({ active: 0, queued: 0 });
    } finally {
      await service.stop();
    }
  });
});

describe('one client with 1,900 requests', () => {
  const greedy = (service: Service, count: number) =>
    Array.from({ length: count }, () => service.post(fresh().url, from('203.0.113.1')));

  it('gets no more turns than another one with 20', async () => {
    const service = await startService(standin, { MAX_QUEUE: '500', TRUST_PROXY: 'true' });
    try {
      await Promise.all(Array.from({ length: 40 }, () => service.post(fresh().url)));
      const many = greedy(service, 1900);
      expect(await until(async () => (await workersOf(service)).queued === 500, 20_000)).toBe(true);
      const before = service.log.filter(({ status, post }) => status === 200 && post !== undefined).length;
      const others = await Promise.all(
        Array.from({ length: 20 }, () => service.post(fresh().url, from('198.51.100.1'))),
      );
      expect(others.filter(({ status }) => status !== 200)).toEqual([]);
      const answers = await Promise.all(many);
      expect(answers.filter(({ status, body }) => status !== 200 && body.code !== 'busy')).toEqual([]);
      // In the service's order: one for each of the other client's, those in progress, and some while a busy machine
      // accepts the other client's requests. The first 500 would come first without turns.
      const served = service.log.filter(({ status, post }) => status === 200 && post !== undefined);
      const isOther = ({ client }: Record<string, unknown>) => client === '198.51.100.0/24';
      const meanwhile = served.slice(before, served.findLastIndex(isOther));
      expect(served.filter(isOther)).toHaveLength(20);
      expect(meanwhile.length).toBeLessThan(450);
    } finally {
      await service.stop();
    }
  });
});
