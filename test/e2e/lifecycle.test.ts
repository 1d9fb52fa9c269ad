import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { healthy } from '../helpers/engine.ts';
import { processes, pythonTree, until } from '../helpers/processes.ts';
import { failStart, startService } from '../helpers/service.ts';
import { type Standin, startStandin } from '../helpers/standin/index.ts';

let standin: Standin;
let lastId = 7_410_000_000_000_000_000n;

beforeAll(async () => {
  standin = await startStandin({ latencyMs: 20 });
});

afterAll(async () => {
  await standin.close();
});

function freshUrl(): string {
  lastId += 1n;
  return `https://www.tiktok.com/@load/video/${lastId}`;
}

describe('a process that is killed under load', () => {
  it('costs no request: children, one after the other', async () => {
    const service = await startService(standin, { MAX_WORKERS: '4' });
    try {
      await Promise.all(Array.from({ length: 40 }, () => service.post(freshUrl())));
      const load = Array.from({ length: 200 }, () => service.post(freshUrl()));
      // Only children that are there before the first kill: a post is tried again once, on a child born after it.
      expect(await until(() => pythonTree(service.pid).children.length === 4, 20_000)).toBe(true);
      let killed = 0;
      for (const victim of pythonTree(service.pid).children) {
        if (!processes().some(({ pid }) => pid === victim)) continue;
        process.kill(victim, 'SIGKILL');
        killed += 1;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      const answers = await Promise.all(load);
      expect(killed).toBeGreaterThan(0);
      expect(answers.filter(({ status }) => status !== 200).map(({ body }) => body)).toEqual([]);
    } finally {
      await service.stop();
    }
  });

  it('costs no request: a child, and with the next child its host', async () => {
    const service = await startService(standin, { MAX_WORKERS: '1' });
    try {
      const url = freshUrl();
      const post = url.split('/').at(-1) ?? '';
      standin.faults.add({ post }, { kind: 'hang' }, { times: 2 });
      const answer = service.post(url);
      const asked = (times: number) => until(() => standin.journal.asked({ post }).length === times, 10_000);
      expect(await asked(1)).toBe(true);
      process.kill(pythonTree(service.pid).children[0] ?? 0, 'SIGKILL');
      expect(await asked(2)).toBe(true);
      process.kill(pythonTree(service.pid).host ?? 0, 'SIGKILL');
      expect(await answer).toMatchObject({ status: 200 });
    } finally {
      await service.stop();
    }
  });

  it('costs no request: the host, which is started again', async () => {
    const service = await startService(standin, { MAX_WORKERS: '4' });
    try {
      const load = Array.from({ length: 200 }, () => service.post(freshUrl()));
      await load[20];
      const { host } = pythonTree(service.pid);
      expect(host).not.toBeNull();
      process.kill(host ?? 0, 'SIGKILL');
      const answers = await Promise.all(load);
      expect(answers.filter(({ status }) => status !== 200).map(({ body }) => body)).toEqual([]);
      const health = await (await fetch(`${service.baseUrl}/health`)).json();
      expect(health).toMatchObject({
        status: healthy,
        engine: { running: true, host_restarts: 1 },
      });
      expect(pythonTree(service.pid).host).not.toBe(host);
    } finally {
      await service.stop();
    }
  });
});

describe('the end of the service', () => {
  async function busyService() {
    const service = await startService(standin, { MAX_WORKERS: '3' });
    await Promise.all([freshUrl(), freshUrl(), freshUrl()].map((url) => service.post(url)));
    const { host, children } = pythonTree(service.pid);
    expect(host).not.toBeNull();
    expect(children.length).toBeGreaterThan(0);
    return { service, tree: [host ?? 0, ...children] };
  }

  const gone = (pids: number[]) => () => !processes().some(({ pid }) => pids.includes(pid));

  it('by SIGTERM finishes requests in progress, exits 0 and leaves no process or file', async () => {
    const { service, tree } = await busyService();
    const slow = freshUrl();
    standin.faults.once({ post: slow.split('/').at(-1) ?? '' }, { kind: 'delay', ms: 800 });
    const running = service.post(slow);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const code = service.stop();
    expect((await running).status).toBe(200);
    expect(await code).toBe(0);
    expect(await until(gone(tree), 2000)).toBe(true);
    expect(existsSync(service.tempDir)).toBe(false);
  });

  it('by SIGKILL leaves no process two seconds later, not even one with a job', async () => {
    const { service, tree } = await busyService();
    const stuck = freshUrl();
    standin.faults.once({ post: stuck.split('/').at(-1) ?? '' }, { kind: 'hang' });
    const lost = service.post(stuck).catch(() => null);
    await new Promise((resolve) => setTimeout(resolve, 300));
    service.kill('SIGKILL');
    expect(await until(gone([service.pid, ...tree]), 2000)).toBe(true);
    await lost;
    await service.stop();
  });
});

describe('more than the workers can do', () => {
  it('is answered busy at once with Retry-After beyond MAX_QUEUE; the rest is served', async () => {
    const service = await startService(standin, { MAX_WORKERS: '1', MAX_QUEUE: '2' });
    try {
      await service.post(freshUrl());
      const first = freshUrl();
      standin.faults.once({ post: first.split('/').at(-1) ?? '' }, { kind: 'delay', ms: 1500 });
      const load = [first, ...Array.from({ length: 9 }, freshUrl)].map((url) => service.post(url));
      const answers = await Promise.all(load);
      const busy = answers.filter(({ body }) => body.code === 'busy');
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(3);
      expect(busy).toHaveLength(7);
      for (const { status, body, headers } of busy) {
        expect(status).toBe(503);
        expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
        expect(body.retry_after).toBe(Number(headers.get('retry-after')));
      }
    } finally {
      await service.stop();
    }
  });

  it('ends at YTDLP_TIMEOUT for a slow page, and the same child serves the next post', async () => {
    const service = await startService(standin, { MAX_WORKERS: '1', YTDLP_TIMEOUT: '2' });
    try {
      await service.post(freshUrl());
      const { children } = pythonTree(service.pid);
      const stuck = freshUrl();
      standin.faults.add({ post: stuck.split('/').at(-1) ?? '' }, { kind: 'hang' });
      const started = Date.now();
      const { status, body } = await service.post(stuck);
      expect([status, body.code, body.retryable]).toEqual([504, 'timeout', true]);
      expect(Date.now() - started).toBeLessThan(5000);
      expect((await service.post(freshUrl())).status).toBe(200);
      expect(pythonTree(service.pid).children).toEqual(children);
    } finally {
      await service.stop();
    }
  });
});

describe('the start', () => {
  it('stops at a wrong variable and names it', async () => {
    const { code, output } = await failStart({ MAX_WORKERS: 'many' });
    expect(code).toBe(1);
    expect(output).toMatch(/^MAX_WORKERS must be a whole number/m);
  });

  it('stops before yt-dlp starts where PORT is taken', async () => {
    const first = await startService(standin);
    try {
      const { port } = new URL(first.baseUrl);
      const { code, output } = await failStart({ PORT: port, ENCRYPTION_KEY: 'another key for the tests' });
      expect(code).toBe(1);
      expect(output).toMatch(/^PORT must be free to use: .*EADDRINUSE/m);
      expect(output).not.toContain('yt-dlp host');
    } finally {
      await first.stop();
    }
  });

  it('logs version, mode and address in one line', async () => {
    const service = await startService(standin, { MAX_WORKERS: '1' });
    await service.stop();
    expect(service.log.filter(({ msg }) => msg === 'service started')).toEqual([
      expect.objectContaining({
        version: expect.any(String),
        mode: 'development',
        baseUrl: service.baseUrl,
        ytdlp: expect.any(String),
        proxies: 1,
        redis: 'not configured',
        cookies: 'none',
      }),
    ]);
  });
});
