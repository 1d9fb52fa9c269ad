import { readdirSync, readlinkSync } from 'node:fs';
import { type ClientRequest, get, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { download, linkOf } from '../helpers/download.ts';
import { until } from '../helpers/processes.ts';
import { type Service, startService } from '../helpers/service.ts';
import {
  type Fault,
  type Standin,
  type StandinPost,
  startStandin,
  videoPost,
} from '../helpers/standin/index.ts';

/** Time to close the upstream after the client has gone; 100 ms is the goal, the rest is for a busy machine. */
const LIMIT_MS = 2000;

let standin: Standin;
let service: Service;

beforeAll(async () => {
  standin = await startStandin();
  service = await startService(standin, { MAX_WORKERS: '2', DOWNLOAD_TIMEOUT: '3' });
  await linkOf(service, standin.posts.add(videoPost()));
});

afterAll(async () => {
  await service.stop();
  await standin.close();
});

interface Client {
  request: ClientRequest;
  bytes: () => number;
  response: Promise<IncomingMessage | null>;
}

/** Requests a link; reads the body only where `read` says so. */
function connect(link: string, { headers = {}, read = true, method = 'GET' } = {}): Client {
  let bytes = 0;
  const request = get(link, { headers, method, agent: false });
  const received = new Promise<IncomingMessage | null>((resolve) => {
    request.once('response', resolve);
    request.once('error', () => resolve(null));
  });
  void received.then((response) => {
    response?.on('error', () => {});
    if (read) response?.on('data', (chunk: Buffer) => (bytes += chunk.length));
  });
  return { request, bytes: () => bytes, response: received };
}

const running = (post: StandinPost) => standin.journal.running().filter(({ postId }) => postId === post.id);
const requested = (post: StandinPost) => standin.journal.find({ postId: post.id, kind: 'cdn' });

function sockets(): number {
  const folder = `/proc/${service.pid}/fd`;
  return readdirSync(folder).filter((fd) => {
    try {
      return readlinkSync(`${folder}/${fd}`).startsWith('socket:');
    } catch {
      return false;
    }
  }).length;
}

/** Disconnects, and expects that the upstream is closed and nothing is requested any more. */
async function disconnect({ request }: Client, post: StandinPost): Promise<void> {
  expect(running(post).length).toBeGreaterThan(0);
  request.destroy();
  expect(await until(() => running(post).length === 0, LIMIT_MS)).toBe(true);
  const count = requested(post).length;
  await sleep(300);
  expect(requested(post).length).toBe(count);
}

describe('a client that disconnects', () => {
  const MIDDLE = 300_000;

  it.concurrent.for<[string, Fault]>([
    ['before the CDN has responded', { kind: 'hang' }],
    ['while the first bytes are examined', { kind: 'stall', after: 1000 }],
    ['while bytes are coming', { kind: 'drip', bytes: 16_384, everyMs: 60 }],
    ['while the CDN is silent in the middle', { kind: 'stall', after: MIDDLE }],
  ])('%s: closes the upstream', async ([, fault]) => {
    const post = standin.posts.add(videoPost());
    const link = await linkOf(service, post);
    const rule = standin.faults.once({ post, part: 'video' }, fault);
    const client = connect(link);
    expect(await until(() => rule.hits > 0, 5000)).toBe(true);
    await sleep(200);
    await disconnect(client, post);
  });

  it.concurrent('while a broken body is being resumed: closes the upstream', async () => {
    const post = standin.posts.add(videoPost());
    const link = await linkOf(service, post);
    standin.faults.once({ post, part: 'video' }, { kind: 'cut', after: MIDDLE });
    const rule = standin.faults.once({ post, part: 'video', ranged: true }, { kind: 'hang' });
    const client = connect(link);
    expect(await until(() => rule.hits > 0, 5000)).toBe(true);
    await disconnect(client, post);
  });

  it.concurrent('during HEAD: closes the upstream', async () => {
    const post = standin.posts.add(videoPost());
    const link = await linkOf(service, post);
    const rule = standin.faults.once({ post, part: 'video' }, { kind: 'hang' });
    const client = connect(link, { method: 'HEAD' });
    expect(await until(() => rule.hits > 0, 5000)).toBe(true);
    await disconnect(client, post);
  });

  it.concurrent('with all buffers full: closes the upstream', async () => {
    const post = standin.posts.add(videoPost({ bigBytes: 100 * 1024 * 1024 }));
    const link = await linkOf(service, post);
    const client = connect(link, { read: false });
    await client.response;
    await sleep(500);
    const sent = requested(post)[0]?.bytesSent ?? 0;
    // The sockets' buffers on the way, not the file.
    expect(sent).toBeLessThan(40 * 1024 * 1024);
    await disconnect(client, post);
  });

  it.concurrent('during the new extraction for a dead link: fetches nothing any more', async () => {
    const post = standin.posts.add(videoPost());
    const link = await linkOf(service, post);
    standin.expireNow(post);
    const rule = standin.faults.once({ post, part: 'page' }, { kind: 'delay', ms: 700 });
    const client = connect(link);
    expect(await until(() => rule.hits > 0, 5000)).toBe(true);
    client.request.destroy();
    const before = requested(post).length;
    await sleep(1200);
    expect(requested(post).length).toBe(before);
  });

  it('among many at once: closes every upstream and every socket', async () => {
    const before = sockets();
    const posts = Array.from({ length: 30 }, () => standin.posts.add(videoPost()));
    const links: string[] = [];
    // In sequence, because this process's own pool would keep thirty connections to the service.
    for (const post of posts) links.push(await linkOf(service, post));
    for (const post of posts) {
      standin.faults.add({ post, part: 'video' }, { kind: 'drip', bytes: 8192, everyMs: 100 });
    }
    const clients = links.map((link) => connect(link));
    expect(await until(() => clients.every(({ bytes }) => bytes() > 0), 20_000)).toBe(true);
    expect(sockets()).toBeGreaterThan(before + 30);
    for (const { request } of clients) request.destroy();
    expect(await until(() => posts.every((post) => running(post).length === 0), LIMIT_MS)).toBe(true);
    // The rest belongs to this process's own pool and to a worker that has started meanwhile.
    expect(await until(() => sockets() <= before + 3, LIMIT_MS)).toBe(true);
    expect((await fetch(`${service.baseUrl}/health/live`)).status).toBe(200);
  });
});

describe('a client that stops reading', () => {
  it.concurrent('loses both connections after DOWNLOAD_TIMEOUT', async () => {
    const post = standin.posts.add(videoPost({ bigBytes: 100 * 1024 * 1024 }));
    const link = await linkOf(service, post);
    const client = connect(link, { read: false });
    const response = await client.response;
    const started = Date.now();
    expect(await until(() => running(post).length === 0, 15_000)).toBe(true);
    expect(Date.now() - started).toBeGreaterThan(2000);
    let broken = false;
    response?.on('close', () => {
      broken = !response.complete;
    });
    response?.resume();
    expect(await until(() => broken, 5000)).toBe(true);
  });

  it.concurrent('gets every byte when it reads on in time', async () => {
    const post = standin.posts.add(videoPost({ bigBytes: 30 * 1024 * 1024 }));
    const link = await linkOf(service, post);
    const client = connect(link, { read: false });
    const response = await client.response;
    await sleep(1500);
    let bytes = 0;
    for await (const chunk of response ?? []) bytes += (chunk as Buffer).length;
    expect([bytes, response?.complete]).toEqual([30 * 1024 * 1024, true]);
  });
});

describe('a slow client', () => {
  it.concurrent('gets every byte of a file whose link dies while it reads nothing', async () => {
    const post = standin.posts.add(videoPost({ bigBytes: 30 * 1024 * 1024 }));
    const link = await linkOf(service, post);
    standin.faults.once({ post, part: 'video' }, { kind: 'cut', after: 20 * 1024 * 1024 });
    const client = connect(link, { read: false });
    const response = await client.response;
    await sleep(800);
    standin.expireNow(post);
    let bytes = 0;
    for await (const chunk of response ?? []) bytes += (chunk as Buffer).length;
    expect(bytes).toBe(30 * 1024 * 1024);
    expect((await download(link, { method: 'HEAD' })).status).toBe(200);
  });
});
