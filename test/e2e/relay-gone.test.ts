import { readdirSync, readlinkSync } from 'node:fs';
import { type ClientRequest, get, type IncomingMessage } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
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

/**
 * Visitors who leave, or stop reading. On a quiet machine the upstream is closed within some milliseconds (the
 * measured are printed, the goal is 100); what is asserted leaves room for a machine with other things to do.
 */
const ROOM_MS = 2000;

let standin: Standin;
let service: Service;
const measured: string[] = [];

beforeAll(async () => {
  standin = await startStandin();
  service = await startService(standin, { MAX_WORKERS: '2', DOWNLOAD_TIMEOUT: '3' });
  await linkOf(service, standin.posts.add(videoPost()));
});

afterEach(() => standin.faults.clear());

afterAll(async () => {
  await service.stop();
  await standin.close();
  process.stdout.write(`\nUpstream closed after the visitor left:\n${measured.join('\n')}\n`);
});

interface Visit {
  request: ClientRequest;
  bytes: () => number;
  answer: Promise<IncomingMessage | null>;
}

/** Asks, and reads only when told to. */
function visit(link: string, { headers = {}, read = true, method = 'GET' } = {}): Visit {
  let bytes = 0;
  const request = get(link, { headers, method, agent: false });
  const answer = new Promise<IncomingMessage | null>((resolve) => {
    request.once('response', resolve);
    request.once('error', () => resolve(null));
  });
  void answer.then((response) => {
    response?.on('error', () => {});
    if (read) response?.on('data', (chunk: Buffer) => (bytes += chunk.length));
  });
  return { request, bytes: () => bytes, answer };
}

const running = (post: StandinPost) => standin.journal.running().filter(({ postId }) => postId === post.id);
const asked = (post: StandinPost) => standin.journal.find({ postId: post.id, kind: 'cdn' });
const moment = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

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

/** Leaves, and says how long the last exchange with the CDN lived on. */
async function leave(name: string, { request }: Visit, post: StandinPost): Promise<void> {
  expect(running(post).length).toBeGreaterThan(0);
  const left = Date.now();
  request.destroy();
  expect(await until(() => running(post).length === 0, ROOM_MS)).toBe(true);
  const ended = Math.max(...asked(post).map(({ endedAt }) => endedAt ?? Number.POSITIVE_INFINITY));
  measured.push(`  ${String(ended - left).padStart(4)} ms  ${name}`);
  // And nobody begins anew for a visitor who is gone.
  const count = asked(post).length;
  await moment(300);
  expect(asked(post).length).toBe(count);
}

describe('a visitor who leaves', () => {
  const MIDDLE = 300_000;

  it.for<[string, Fault]>([
    ['before the CDN has answered', { kind: 'hang' }],
    ['while the first bytes are looked at', { kind: 'stall', after: 1000 }],
    ['while bytes are coming', { kind: 'drip', bytes: 16_384, everyMs: 60 }],
    ['while the CDN is silent in the middle', { kind: 'stall', after: MIDDLE }],
  ])('%s', async ([name, fault]) => {
    const post = standin.posts.add(videoPost());
    const link = await linkOf(service, post);
    const rule = standin.faults.once({ post, part: 'video' }, fault);
    const visitor = visit(link);
    expect(await until(() => rule.hits > 0, 5000)).toBe(true);
    await moment(200);
    await leave(name, visitor, post);
  });

  it('while a body that broke is being resumed', async () => {
    const post = standin.posts.add(videoPost());
    const link = await linkOf(service, post);
    standin.faults.once({ post, part: 'video' }, { kind: 'cut', after: MIDDLE });
    const rule = standin.faults.once({ post, part: 'video', ranged: true }, { kind: 'hang' });
    const visitor = visit(link);
    expect(await until(() => rule.hits > 0, 5000)).toBe(true);
    await leave('while a body that broke is being resumed', visitor, post);
  });

  it('during HEAD', async () => {
    const post = standin.posts.add(videoPost());
    const link = await linkOf(service, post);
    const rule = standin.faults.once({ post, part: 'video' }, { kind: 'hang' });
    const visitor = visit(link, { method: 'HEAD' });
    expect(await until(() => rule.hits > 0, 5000)).toBe(true);
    await leave('during HEAD', visitor, post);
  });

  it('with the pipe full', async () => {
    const post = standin.posts.add(videoPost({ bigBytes: 100 * 1024 * 1024 }));
    const link = await linkOf(service, post);
    const visitor = visit(link, { read: false });
    await visitor.answer;
    await moment(500);
    const sent = asked(post)[0]?.bytesSent ?? 0;
    // What lies in the sockets' buffers along the way, not the file.
    expect(sent).toBeLessThan(40 * 1024 * 1024);
    await leave('with the pipe full', visitor, post);
  });

  it('during the new extraction for a dead link: nothing is fetched any more', async () => {
    const post = standin.posts.add(videoPost());
    const link = await linkOf(service, post);
    standin.expireNow(post);
    const rule = standin.faults.once({ post, part: 'page' }, { kind: 'delay', ms: 700 });
    const visitor = visit(link);
    expect(await until(() => rule.hits > 0, 5000)).toBe(true);
    visitor.request.destroy();
    const before = asked(post).length;
    await moment(1200);
    expect(asked(post).length).toBe(before);
  });

  it('is one of many at once: every upstream and every socket goes', async () => {
    const before = sockets();
    const posts = Array.from({ length: 30 }, () => standin.posts.add(videoPost()));
    const links: string[] = [];
    // One after the other: this process's own pool would keep thirty connections to the service.
    for (const post of posts) links.push(await linkOf(service, post));
    standin.faults.add({ part: 'video' }, { kind: 'drip', bytes: 8192, everyMs: 100 });
    const visitors = links.map((link) => visit(link));
    expect(await until(() => visitors.every(({ bytes }) => bytes() > 0), 20_000)).toBe(true);
    expect(sockets()).toBeGreaterThan(before + 30);
    for (const { request } of visitors) request.destroy();
    expect(await until(() => posts.every((post) => running(post).length === 0), ROOM_MS)).toBe(true);
    // Those that are left belong to this process's own pool and to a worker that has come up meanwhile.
    expect(await until(() => sockets() <= before + 3, ROOM_MS)).toBe(true);
    expect((await fetch(`${service.baseUrl}/health/live`)).status).toBe(200);
  });
});

describe('a visitor who stops reading', () => {
  it('loses both connections after DOWNLOAD_TIMEOUT', async () => {
    const post = standin.posts.add(videoPost({ bigBytes: 100 * 1024 * 1024 }));
    const link = await linkOf(service, post);
    const visitor = visit(link, { read: false });
    const response = await visitor.answer;
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

  it('but reads on in time gets every byte', async () => {
    const post = standin.posts.add(videoPost({ bigBytes: 30 * 1024 * 1024 }));
    const link = await linkOf(service, post);
    const visitor = visit(link, { read: false });
    const response = await visitor.answer;
    await moment(1500);
    let bytes = 0;
    for await (const chunk of response ?? []) bytes += (chunk as Buffer).length;
    expect([bytes, response?.complete]).toEqual([30 * 1024 * 1024, true]);
  });
});

describe('limits of a slow visitor', () => {
  it('a link that dies while he reads slowly is renewed only when he reads on', async () => {
    const post = standin.posts.add(videoPost({ bigBytes: 30 * 1024 * 1024 }));
    const link = await linkOf(service, post);
    standin.faults.once({ post, part: 'video' }, { kind: 'cut', after: 20 * 1024 * 1024 });
    const visitor = visit(link, { read: false });
    const response = await visitor.answer;
    await moment(800);
    standin.expireNow(post);
    let bytes = 0;
    for await (const chunk of response ?? []) bytes += (chunk as Buffer).length;
    expect(bytes).toBe(30 * 1024 * 1024);
    expect((await download(link, { method: 'HEAD' })).status).toBe(200);
  });
});
