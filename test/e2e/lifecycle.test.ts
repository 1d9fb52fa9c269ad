import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

describe('processes that die under load', () => {
  it('children killed one after the other cost no request', async () => {
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

  it('the host killed costs no request and is back', async () => {
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

describe('the end', () => {
  async function busyService() {
    const service = await startService(standin, { MAX_WORKERS: '3' });
    await Promise.all([freshUrl(), freshUrl(), freshUrl()].map((url) => service.post(url)));
    const { host, children } = pythonTree(service.pid);
    expect(host).not.toBeNull();
    expect(children.length).toBeGreaterThan(0);
    return { service, tree: [host ?? 0, ...children] };
  }

  const gone = (pids: number[]) => () => !processes().some(({ pid }) => pids.includes(pid));

  it('by SIGTERM answers what runs, exits 0 and leaves nothing', async () => {
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

  it('by SIGKILL of Node leaves no process two seconds later, not even one in the middle of a job', async () => {
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

describe('overload', () => {
  it('beyond the queue is busy at once, with a time to come back; the rest is served', async () => {
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

  it('a slow page ends at the limit and the same child serves the next post', async () => {
    const service = await startService(standin, { MAX_WORKERS: '1', YTDLP_TIMEOUT: '2' });
    try {
      await service.post(freshUrl());
      const { children } = pythonTree(service.pid);
      const stuck = freshUrl();
      standin.faults.once({ post: stuck.split('/').at(-1) ?? '' }, { kind: 'hang' });
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

  it.each([
    ['CANARY_URL', 'https://example.com/', 'a link to a TikTok or Douyin post'],
    ['TEMP_DIR', process.execPath, 'a folder that can be written to'],
    ['HOST', '192.0.2.1', 'an address of this machine'],
  ])('names %s where only its use shows that it is wrong', async (name, value, expected) => {
    const { code, output } = await failStart({ [name]: value });
    expect(code).toBe(1);
    expect(output).toMatch(new RegExp(`^${name} must be ${expected}`, 'm'));
  });

  it('wants a key of its own in production', async () => {
    const { code, output } = await failStart({ NODE_ENV: 'production' });
    expect(code).toBe(1);
    expect(output).toContain('ENCRYPTION_KEY');
  });

  it('says so when the port is taken, and leaves no Python behind', async () => {
    const first = await startService(standin);
    const port = new URL(first.baseUrl).port;
    const before = new Set(processes().map(({ pid }) => pid));
    const { code, output } = await failStart({ PORT: port, ENCRYPTION_KEY: 'another key for the tests' });
    expect(code).toBe(1);
    expect(output).toMatch(/^PORT must be free to use: .*EADDRINUSE/m);
    await first.stop();
    // Not those that were there, nor one that another test has just ended and that is on its way out.
    const orphans = () =>
      processes().filter(
        ({ pid, ppid, command }) => ppid === 1 && command.includes('host.py') && !before.has(pid),
      );
    expect(await until(() => orphans().length === 0, 2000)).toBe(true);
  });

  it('makes a key once, for its owner’s eyes only, and keeps it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'key-'));
    const { loadOrCreateKey } = await import('../../src/links/index.ts');
    const path = join(folder, 'key');
    const key = loadOrCreateKey(path).reveal();
    expect(key.length).toBeGreaterThanOrEqual(32);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(loadOrCreateKey(path).reveal()).toBe(key);
    expect(readFileSync(path, 'utf8')).toBe(key);
    rmSync(folder, { recursive: true });
  });
});
