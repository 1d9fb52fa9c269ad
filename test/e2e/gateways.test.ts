import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Service, startService } from '../helpers/service.ts';
import { startSourceHost } from '../helpers/sources.ts';
import { type Standin, startStandin } from '../helpers/standin/index.ts';

/** Exits behind the gateway, of which TikTok refuses all but the last. */
const EXITS = 3;

let standin: Standin;
let service: Service | null = null;
let lifts: (() => void)[] = [];
let lastId = 7_430_000_000_000_000_000n;

beforeAll(async () => {
  standin = await startStandin({ extraProxies: EXITS - 1 });
});
afterEach(async () => {
  for (const lift of lifts) lift();
  lifts = [];
  standin.journal.clear();
  await service?.stop();
  service = null;
});
afterAll(() => standin.close());

function freshUrl(): string {
  lastId += 1n;
  return `https://www.tiktok.com/@gateway/video/${lastId}`;
}

async function start(proxy: string): Promise<Service> {
  service = await startService(standin, { MAX_WORKERS: '1', PROXY_URLS: proxy });
  return service;
}

const statesOf = async ({ baseUrl }: Service) =>
  ((await (await fetch(`${baseUrl}/health`)).json()) as { egress: { state: string }[] }).egress.map(
    ({ state }) => state,
  );

/** A gateway that takes the next exit for each connection. */
async function startRotating(): Promise<{ url: string; close: () => void }> {
  const sockets = new Set<Socket>();
  let next = 0;
  const server: Server = createServer((socket) => {
    const exit = connect(standin.proxies[next % EXITS]?.port ?? 0, '127.0.0.1');
    next += 1;
    for (const one of [socket, exit]) {
      sockets.add(one);
      one
        .on('error', () => {})
        .on('close', () => {
          sockets.delete(one);
          socket.destroy();
          exit.destroy();
        });
    }
    socket.pipe(exit).pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

describe('a rotating gateway', () => {
  it('gets every post through the one exit that is not refused, and never rests', async () => {
    const gateway = await startRotating();
    lifts.push(gateway.close, standin.block({ proxy: 0 }), standin.block({ proxy: 1 }));
    const running = await start(`${gateway.url}#rotating`);
    const codes: unknown[] = [];
    for (let post = 0; post < 8; post += 1) {
      const { status, body } = await running.post(freshUrl());
      codes.push(status === 200 ? 200 : body.code);
    }
    expect(codes).toEqual(Array(8).fill(200));
    expect(await statesOf(running)).toEqual(['ok']);
    // Each request had a connection, and so an exit, of its own.
    const exits = standin.journal.find({ kind: 'page' }).map(({ proxy }) => proxy);
    expect(exits).toEqual(exits.map((_, index) => index % EXITS));
  });

  it('rests after a refusal where it has no mark, as any other proxy', async () => {
    lifts.push(standin.block());
    const running = await start(standin.proxyUrl);
    expect((await running.post(freshUrl())).body.code).toBe('ip_blocked');
    expect(await statesOf(running)).toEqual(['blocked']);
  });
});

describe('a proxy with sessions', () => {
  const sessions = () =>
    [...new Set(standin.journal.find({ kind: 'page' }).map(({ identity }) => identity))] as string[];

  it('keeps one session for pages and files, and takes a new one when it is refused', async () => {
    const running = await start(standin.proxyUrl.replace('//', '//user-{session}:secret@'));
    const first = await running.post(freshUrl());
    const file = await fetch(String(first.body.download_link?.no_watermark));
    await file.arrayBuffer();
    expect([first.status, file.status]).toEqual([200, 200]);
    const [session = ''] = sessions();
    expect(session).toMatch(/^user-[0-9a-f]{8}$/);
    expect(standin.journal.find({ kind: 'cdn' }).map(({ identity }) => identity)).toContain(session);

    lifts.push(standin.block({ identity: session }));
    standin.journal.clear();
    const second = await running.post(freshUrl());
    const again = await fetch(String(second.body.download_link?.no_watermark));
    await again.arrayBuffer();
    expect([second.status, again.status]).toEqual([200, 200]);
    const [refused, next = ''] = sessions();
    expect(refused).toBe(session);
    expect(next).toMatch(/^user-[0-9a-f]{8}$/);
    const files = standin.journal.find({ kind: 'cdn' }).map(({ identity }) => identity);
    expect(new Set(files)).toEqual(new Set([next]));
    expect(await statesOf(running)).toEqual(['ok']);
  });
});

describe('the sessions of a proxy', () => {
  it('leave a bounded number of connections open in a child', async () => {
    const host = await startSourceHost(standin);
    try {
      const before = standin.openConnections();
      for (let session = 0; session < 70; session += 1) {
        const job = { op: 'player', platform: 'tiktok', post: '7430000000000000001', url: '' } as const;
        await host.send(job, standin.proxyUrlFor(`session-${session}`));
      }
      expect(standin.openConnections() - before).toBe(64);
    } finally {
      await host.close();
    }
  });
});
