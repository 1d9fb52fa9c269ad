import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { LIMITS, type Limits, maxConnections } from '../../src/limits.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';

let app: TestApp;

afterEach(() => app?.close());

const limitsWith = (
  connection: Partial<Limits['connection']>,
  connections = LIMITS.process.connections,
): Limits => ({
  ...LIMITS,
  connection: { ...LIMITS.connection, ...connection },
  process: { ...LIMITS.process, connections },
});

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

describe('a client that reads nothing', () => {
  it('is disconnected after the write timeout', async () => {
    app = await buildTestApp({}, { limits: limitsWith({ writeStallMs: 300 }) });
    const { port } = await app.listenAnywhere();
    const socket = await open(port);
    socket.pause();
    // More than the buffers of both kernels hold.
    socket.write(`GET /docs/static/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(5));
    const stalled = () => app.log.some(({ reason }) => String(reason).includes('took no data'));
    const limit = Date.now() + 8000;
    while (!stalled() && Date.now() < limit) await sleep(20);
    expect(stalled()).toBe(true);
    socket.destroy();
  });
});

describe('a client that takes a stream', () => {
  async function isDisconnected(minBytesPerSecond: number): Promise<boolean> {
    const env = { DOWNLOAD_TIMEOUT: '1' };
    app = await buildTestApp(env, { limits: limitsWith({ minBytesPerSecond }) });
    app.server.get('/endless', (_request, reply) =>
      reply.send(
        Readable.from(
          (function* () {
            for (;;) yield Buffer.alloc(64 * 1024);
          })(),
        ),
      ),
    );
    const { port } = await app.listenAnywhere();
    const socket = await open(port);
    socket.write('GET /endless HTTP/1.1\r\nHost: x\r\n\r\n');
    socket.pause();
    const began = Date.now();
    // Some bytes each time, so that it never takes nothing.
    while (!socket.destroyed && Date.now() - began < 4000) {
      socket.read(512 * 1024);
      await sleep(50);
    }
    const gone = app.log.some(({ reason }) => /took \d+ bytes/.test(String(reason)));
    socket.destroy();
    return gone;
  }

  it('below the minimum rate is disconnected', async () => {
    expect(await isDisconnected(1e12)).toBe(true);
  });

  it('is not while there is nothing to take', async () => {
    app = await buildTestApp({ DOWNLOAD_TIMEOUT: '1' });
    app.server.get('/late', (_request, reply) =>
      reply.send(
        Readable.from(
          (async function* () {
            await sleep(2500);
            yield 'late';
          })(),
        ),
      ),
    );
    const { url } = await app.listenAnywhere();
    expect(await (await fetch(`${url}/late`)).text()).toBe('late');
  });

  it('slowly, but above the minimum rate, is not', async () => {
    expect(await isDisconnected(1)).toBe(false);
  });
});

describe('the assets of /docs', () => {
  it('are sent to one client a few at a time', async () => {
    app = await buildTestApp({}, { limits: { ...LIMITS, client: { ...LIMITS.client, docs: 2 } } });
    const { port, url } = await app.listenAnywhere();
    const target = '/docs/static/swagger-ui-bundle.js';
    const readers = await Promise.all([open(port), open(port)]);
    for (const socket of readers) socket.pause().write(`GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(8));
    await expect.poll(async () => (await fetch(`${url}${target}`)).status).toBe(503);
    for (const socket of readers) socket.destroy();
    await expect.poll(async () => (await fetch(`${url}${target}`)).status).toBe(200);
  });

  it('are whole, whoever reads them first', async () => {
    app = await buildTestApp();
    const { url } = await app.listenAnywhere();
    const target = `${url}/docs/static/swagger-ui-bundle.js`;
    const bodies = await Promise.all([1, 2, 3].map(async () => (await fetch(target)).text()));
    const later = await fetch(target, { headers: { range: 'bytes=0-9' } });
    expect(later.status).toBe(200);
    const whole = Number(later.headers.get('content-length'));
    expect(whole).toBeGreaterThan(1_000_000);
    expect([...bodies, await later.text()].map((text) => Buffer.byteLength(text))).toEqual([
      whole,
      whole,
      whole,
      whole,
    ]);
  });
});

describe('connections', () => {
  it('are limited to a share of all for one client', async () => {
    app = await buildTestApp({}, { limits: limitsWith({}, 20) });
    const { port } = await app.listenAnywhere();
    const sockets = await Promise.all(Array.from({ length: 8 }, () => open(port)));
    for (const socket of sockets) socket.resume();
    await sleep(300);
    expect(sockets.filter(({ closed }) => closed)).toHaveLength(3);
    const { payload } = await app.server.inject('/metrics');
    expect(payload).toContain('tiktok_connections_refused_total{limit="client"} 3');
    for (const socket of sockets) socket.destroy();
  });

  it('are not limited for a proxy that TRUST_PROXY names', async () => {
    app = await buildTestApp({ TRUST_PROXY: 'loopback' }, { limits: limitsWith({}, 40) });
    const { port } = await app.listenAnywhere();
    const sockets = await Promise.all(Array.from({ length: 20 }, () => open(port)));
    await sleep(200);
    expect(sockets.filter(({ destroyed }) => destroyed)).toHaveLength(0);
    for (const socket of sockets) socket.destroy();
  });

  it('are closed when they are idle and nearly all are taken', async () => {
    app = await buildTestApp({ TRUST_PROXY: 'loopback' }, { limits: limitsWith({}, 20) });
    const { port, url } = await app.listenAnywhere();
    const holders = await Promise.all(Array.from({ length: 18 }, () => open(port)));
    for (const socket of holders) socket.write('GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n');
    await Promise.all(holders.map((socket) => once(socket, 'data')));
    for (const socket of holders) socket.resume();
    for (let at = 0; at < 5; at += 1) expect((await fetch(`${url}/health/live`)).status).toBe(200);
    await expect.poll(() => holders.filter(({ closed }) => closed).length).toBe(18);
  });

  it('stay below the number of files that the process may open', () => {
    expect(maxConnections(LIMITS, 1024)).toBe(512);
    expect(maxConnections(LIMITS, 4096)).toBe(4096 - LIMITS.process.reservedFiles);
    expect(maxConnections(LIMITS, 1_048_576)).toBe(LIMITS.process.connections);
    expect(maxConnections(LIMITS)).toBeGreaterThan(100);
  });
});
