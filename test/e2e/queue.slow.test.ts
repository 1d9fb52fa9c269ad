import { setMaxListeners } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../helpers/processes.ts';
import { sendRequest } from '../helpers/request.ts';
import { type Service, startService } from '../helpers/service.ts';
import { type Standin, startStandin } from '../helpers/standin/index.ts';
import { openFiles } from '../helpers/watch.ts';

/** More requests than can be served: accepted ones are, others get Retry-After, and no client starves another. */

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

describe('a full queue', () => {
  it('has places again when waiting clients disconnect', async () => {
    const service = await startService(standin, { MAX_WORKERS: '1', MAX_QUEUE: '5' });
    try {
      await service.post(fresh().url);
      const slow = fresh();
      standin.faults.once({ post: slow.id }, { kind: 'delay', ms: 4000 });
      const first = service.post(slow.url);
      expect(await until(async () => (await workersOf(service)).active === 1, 5000)).toBe(true);
      const leaving = new AbortController();
      const leavers = Array.from({ length: 5 }, () =>
        fetch(`${service.baseUrl}/tiktok`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ url: fresh().url }),
          signal: leaving.signal,
        }).catch(() => null),
      );
      expect(await until(async () => (await workersOf(service)).queued === 5, 5000)).toBe(true);
      expect((await service.post(fresh().url)).body.code).toBe('busy');
      leaving.abort();
      await Promise.all(leavers);
      expect(await until(async () => (await workersOf(service)).queued === 0, 2000)).toBe(true);
      const later = await Promise.all(Array.from({ length: 5 }, () => service.post(fresh().url)));
      expect(later.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
      expect((await first).status).toBe(200);
    } finally {
      await service.stop();
    }
  });
});

describe('clients that disconnect while they wait', () => {
  it('leave no connection and no place in the queue', async () => {
    const service = await startService(standin, { MAX_WORKERS: '1' });
    const socketsOf = () => openFiles(service.pid).filter((file) => file.startsWith('socket:')).length;
    try {
      await service.post(fresh().url);
      const before = socketsOf();
      const slow = fresh();
      standin.faults.once({ post: slow.id }, { kind: 'delay', ms: 5000 });
      const first = sendRequest(`${service.baseUrl}/tiktok`, { json: { url: slow.url } });
      const leaving = new AbortController();
      setMaxListeners(300, leaving.signal);
      const leavers = Array.from({ length: 300 }, () =>
        sendRequest(`${service.baseUrl}/tiktok`, { json: { url: fresh().url }, signal: leaving.signal }),
      );
      expect(await until(async () => (await workersOf(service)).queued === 300, 10_000)).toBe(true);
      expect(socketsOf()).toBeGreaterThan(before + 290);
      leaving.abort();
      const told = await Promise.all(leavers);
      expect(told.filter(({ status }) => status !== 0)).toEqual([]);
      expect(await until(async () => (await workersOf(service)).queued === 0, 5000)).toBe(true);
      // Their connections went before the one job that is under way had ended; some are those of our questions.
      expect(await until(async () => socketsOf() < before + 10, 5000)).toBe(true);
      expect((await workersOf(service)).active).toBe(1);
      expect((await first).status).toBe(200);
    } finally {
      await service.stop();
    }
  });
});

describe('one client', () => {
  it('is answered in the order of its requests', async () => {
    const service = await startService(standin, { MAX_WORKERS: '1' });
    try {
      await service.post(fresh().url);
      const asked = Array.from({ length: 40 }, () => fresh());
      const answered: string[] = [];
      await Promise.all(
        asked.map(async ({ url }) => {
          const { body } = await sendRequest(`${service.baseUrl}/tiktok`, { json: { url } });
          answered.push((JSON.parse(body.toString()) as { id: string }).id);
        }),
      );
      expect(answered).toEqual(asked.map(({ id }) => id));
    } finally {
      await service.stop();
    }
  });
});

describe('one client with hundreds of requests', () => {
  const greedy = (service: Service, count: number) =>
    Array.from({ length: count }, () => service.post(fresh().url, from('203.0.113.1')));

  it('delays only its own', async () => {
    const service = await startService(standin, { MAX_WORKERS: '2', TRUST_PROXY: 'true' });
    try {
      await service.post(fresh().url);
      const hundreds = greedy(service, 150);
      expect(await until(async () => ((await workersOf(service)).queued ?? 0) > 120, 10_000)).toBe(true);
      const others = await Promise.all(
        [1, 2, 3].map((n) => service.post(fresh().url, from(`198.51.100.${n}`))),
      );
      expect(others.map(({ status }) => status)).toEqual([200, 200, 200]);
      // Most of them are still waiting when the others have been served.
      expect((await workersOf(service)).queued).toBeGreaterThan(75);
      const answers = await Promise.all(hundreds);
      expect(answers.every(({ status }) => status === 200)).toBe(true);
    } finally {
      await service.stop();
    }
  });

  it('cannot take all places of the queue', async () => {
    const service = await startService(standin, {
      MAX_WORKERS: '1',
      MAX_QUEUE: '40',
      TRUST_PROXY: 'true',
    });
    try {
      await service.post(fresh().url);
      const hundreds = greedy(service, 200);
      expect(await until(async () => ((await workersOf(service)).queued ?? 0) >= 30, 20_000)).toBe(true);
      const others = await Promise.all(
        [1, 1, 2, 3].map((n) => service.post(fresh().url, from(`198.51.100.${n}`))),
      );
      expect(others.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
      const answers = await Promise.all(hundreds);
      expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(0);
      const refused = answers.filter(({ status }) => status !== 200);
      expect(refused.length).toBeGreaterThan(0);
      expect(
        refused.filter(({ body, headers }) => body.code !== 'busy' || !headers.get('retry-after')),
      ).toEqual([]);
    } finally {
      await service.stop();
    }
  });
});
