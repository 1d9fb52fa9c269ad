import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Closers } from '../../src/closers.ts';
import { loadConfig } from '../../src/config.ts';
import { assertPortsFree } from '../../src/listen.ts';
import { buildTestApp, fakeExtractor } from '../helpers/app.ts';

const silent = { error: () => {} };

describe('building the service', () => {
  it.each([
    ['CANARY_URL', 'https://example.com/', /CANARY_URL must be a link to a TikTok or Douyin post/],
    ['TEMP_DIR', process.execPath, /TEMP_DIR must be a folder that can be written to/],
    ['TEMP_DIR', '/proc/nope/deep', /TEMP_DIR must be a folder that can be written to/],
  ])('names %s where only its use shows that it is wrong: %s', async (name, value, message) => {
    await expect(buildTestApp({ [name]: value })).rejects.toThrow(message);
  });

  it('closes what was built where a later step throws', async () => {
    let closed = 0;
    const extractor = {
      ...fakeExtractor(),
      close: async () => {
        closed += 1;
      },
    };
    const dir = mkdtempSync(join(tmpdir(), 'late-'));
    const env = { CANARY_URL: 'https://example.com/', TEMP_DIR: join(dir, 'temp') };
    await expect(buildTestApp(env, { extractor })).rejects.toThrow(/CANARY_URL/);
    expect(closed).toBe(1);
    // The run's folder is the last that is closed.
    expect(readdirSync(join(dir, 'temp'))).toEqual([]);
    rmSync(dir, { recursive: true });
  });

  it('closes the rest where one part fails to close, logs it and names it', async () => {
    const extractor = {
      ...fakeExtractor(),
      close: async () => {
        throw new Error('stuck');
      },
    };
    const dir = mkdtempSync(join(tmpdir(), 'close-'));
    const app = await buildTestApp({ TEMP_DIR: join(dir, 'temp') }, { extractor });
    expect(await app.close()).toEqual(['extractor']);
    expect(readdirSync(join(dir, 'temp'))).toEqual([]);
    expect(app.log.filter(({ level }) => level === 50)).toEqual([
      expect.objectContaining({ part: 'extractor', err: expect.objectContaining({ message: 'stuck' }) }),
    ]);
    rmSync(dir, { recursive: true });
  });
});

describe('Closers', () => {
  it('closes in reverse order, each once', async () => {
    const closers = new Closers(silent);
    const order: string[] = [];
    for (const name of ['a', 'b', 'c']) closers.add(name, () => order.push(name));
    await closers.closeAll();
    await closers.closeAll();
    expect(order).toEqual(['c', 'b', 'a']);
  });

  it('goes on after one that throws or rejects, and returns their names', async () => {
    const closers = new Closers(silent);
    const order: string[] = [];
    closers.add('a', () => order.push('a'));
    closers.add('b', () => {
      throw new Error('b');
    });
    closers.add('c', () => Promise.reject(new Error('c')));
    expect(await closers.closeAll()).toEqual(['c', 'b']);
    expect(order).toEqual(['a']);
  });
});

describe('the check of ports', () => {
  const check = (env: Record<string, string>) => assertPortsFree(loadConfig({ HOST: '127.0.0.1', ...env }));

  async function withTakenPort(test: (port: string) => Promise<void>): Promise<void> {
    const server: Server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    try {
      await test(String(typeof address === 'object' && address?.port));
    } finally {
      server.close();
    }
  }

  it('names PORT or MANAGEMENT_PORT where it is taken', async () => {
    await withTakenPort(async (port) => {
      await expect(check({ PORT: port })).rejects.toThrow(/^PORT must be free to use: .*EADDRINUSE/);
      await expect(check({ PORT: '0', MANAGEMENT_PORT: port })).rejects.toThrow(
        /^MANAGEMENT_PORT must be free/,
      );
    });
  });

  it('names HOST where it is no address of this machine', async () => {
    await expect(check({ HOST: '192.0.2.1', PORT: '0' })).rejects.toThrow(/^HOST must be an address/);
  });

  it('rejects one port for both', async () => {
    await expect(check({ PORT: '4711', MANAGEMENT_PORT: '4711' })).rejects.toThrow(
      /^MANAGEMENT_PORT must be/,
    );
  });

  it('leaves the ports free', async () => {
    await check({ PORT: '0' });
  });

  it('takes every address, and every one of IPv4 on a machine without IPv6', async () => {
    const config = loadConfig({ PORT: '0' });
    expect((await assertPortsFree(config)).server.host).toBe('::');
    const tried: string[] = [];
    const withoutIpv6 = async (host: string) => {
      tried.push(host);
      if (host === '::') throw Object.assign(new Error('no IPv6'), { code: 'EAFNOSUPPORT' });
    };
    expect((await assertPortsFree(config, withoutIpv6)).server.host).toBe('0.0.0.0');
    expect(tried).toEqual(['::', '0.0.0.0']);
  });
});

describe('a listener on every address', () => {
  it('has one client for an address of IPv4, whichever way it is written', async () => {
    const app = await buildTestApp({ HOST: '::', RATE_LIMIT_MAX: '1' });
    try {
      const { port } = await app.listenAnywhere();
      const post = async (host: string) =>
        (
          await fetch(`http://${host}:${port}/tiktok`, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ url: 'https://www.tiktok.com/@u/video/7123456789012345600' }),
          })
        ).status;
      expect([await post('127.0.0.1'), await post('127.0.0.1'), await post('[::1]')]).toEqual([
        200, 429, 200,
      ]);
      const plain = {
        method: 'POST',
        url: '/tiktok',
        payload: { url: 'x' },
        remoteAddress: '127.0.0.1',
      } as const;
      expect((await app.server.inject(plain)).statusCode).toBe(429);
      const clients = app.log.filter(({ path }) => path === '/tiktok').map(({ client }) => client);
      expect(new Set(clients)).toEqual(new Set(['127.0.0.0/24', '::/48']));
    } finally {
      await app.close();
    }
  });
});
