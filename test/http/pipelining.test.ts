import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/limits.ts';
import { buildTestApp, fakeExtractor, type TestApp } from '../helpers/app.ts';

/** Requests that arrive faster than they can be answered. */

let app: TestApp | null = null;

afterEach(async () => {
  await app?.close();
  app = null;
});

const GET = 'GET /x HTTP/1.1\r\nHost: x\r\n\r\n';

/** Writes `count` requests and reads nothing. */
async function flood(port: number, count: number, request = GET): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.pause();
  socket.write(request.repeat(count));
  return socket;
}

const closed = (socket: Socket) => socket.destroyed || once(socket, 'close');

describe('one connection with pipelined requests', () => {
  it('is answered in order below the limit', async () => {
    app = await buildTestApp();
    const { port } = await app.listenAnywhere();
    const socket = connect(port, '127.0.0.1');
    let received = '';
    socket.on('data', (chunk) => {
      received += String(chunk);
    });
    const paths = Array.from({ length: LIMITS.connection.pipelined }, (_, index) =>
      index % 2 ? '/health/live' : `/no-${index}`,
    );
    socket.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`).join(''));
    const statuses = () => [...received.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status);
    while (statuses().length < paths.length) await sleep(10);
    expect(statuses()).toEqual(paths.map((path) => (path === '/health/live' ? '200' : '404')));
    socket.destroy();
  });

  it('is closed beyond the limit, and the service answers others all the while', {
    timeout: 20_000,
  }, async () => {
    app = await buildTestApp();
    const { port, url } = await app.listenAnywhere();
    const socket = await flood(port, 300_000);
    const slowest = await slowestHealth(url, 1000);
    await closed(socket);
    // It was twenty seconds.
    expect(slowest).toBeLessThan(6000);
    expect(app.log.filter(({ msg }) => String(msg).includes('too many pipelined'))).toHaveLength(1);
    expect(app.log.filter(({ msg }) => msg === 'request').length).toBeLessThan(300);
  });

  it('has one request handled at a time, and none after it is gone', async () => {
    app = await buildTestApp();
    let begun = 0;
    app.server.addHook('onRequest', async (request) => {
      if (request.url !== '/x') return;
      begun += 1;
      await sleep(300);
    });
    const { port } = await app.listenAnywhere();
    const socket = await flood(port, 10);
    await expect.poll(() => begun).toBe(1);
    socket.destroy();
    await sleep(800);
    expect(begun).toBe(1);
  });

  it('adds no listener to its connection for each request', async () => {
    app = await buildTestApp();
    let seen: Socket | undefined;
    app.server.server.on('connection', (socket: Socket) => {
      seen = socket;
    });
    const { port } = await app.listenAnywhere();
    const socket = connect(port, '127.0.0.1');
    const counts: (number | undefined)[] = [];
    for (let at = 0; at < 15; at += 1) {
      socket.write('GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n');
      await once(socket, 'data');
      await sleep(5);
      counts.push(seen?.listenerCount('close'));
    }
    expect(counts.at(-1)).toBe(counts[1]);
    socket.destroy();
  });

  it('takes from what its client may have waiting on all its connections', async () => {
    app = await buildTestApp();
    app.server.addHook('onRequest', async (request) => {
      if (request.url === '/x') await sleep(1000);
    });
    const { port } = await app.listenAnywhere();
    const { connection, client } = LIMITS;
    const allowed = Math.floor(client.pipelined / connection.pipelined);
    const sockets: Socket[] = [];
    for (let at = 0; at < allowed + 2; at += 1) sockets.push(await flood(port, connection.pipelined + 1));
    await expect.poll(() => sockets.filter(({ destroyed }) => destroyed).length).toBe(2);
    for (const socket of sockets) socket.destroy();
  });

  it('is closed as well where its requests wait for something, so that nothing backs up', {
    timeout: 20_000,
  }, async () => {
    const waiting = fakeExtractor(() => new Promise(() => {}));
    app = await buildTestApp({}, { extractor: waiting });
    let inHook = 0;
    const { port, url } = await (async () => {
      const test = app as TestApp;
      // Like a rate limit in a Redis that does not answer.
      test.server.addHook('onRequest', async (request) => {
        if (request.url !== '/x') return;
        inHook += 1;
        await sleep(5000);
      });
      return test.listenAnywhere();
    })();
    const socket = await flood(port, 300_000);
    const slowest = await slowestHealth(url, 1000);
    await closed(socket);
    // It was twenty seconds.
    expect(slowest).toBeLessThan(6000);
    expect(inHook).toBeLessThanOrEqual(LIMITS.connection.pipelined);
  });
});

/** The longest time of /health/live, in milliseconds, requested in a loop. */
async function slowestHealth(url: string, forMs: number): Promise<number> {
  const ends = performance.now() + forMs;
  let slowest = 0;
  while (performance.now() < ends) {
    const began = performance.now();
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
    slowest = Math.max(slowest, performance.now() - began);
  }
  return slowest;
}
