import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { download, linkOf, outcomeOf, truthOf } from '../helpers/download.ts';
import { until } from '../helpers/processes.ts';
import { type Service, startService } from '../helpers/service.ts';
import { photoPost, type Standin, startStandin, videoPost } from '../helpers/standin/index.ts';
import { openFiles, rssOf } from '../helpers/watch.ts';

/** Floods that once stopped the service, against the built one, and what an honest client notices of each. */

let standin: Standin;
let service: Service;
let lastId = 7_440_000_000_000_000_000n;
const sockets: Socket[] = [];

const LIMITS_ON = { DOWNLOADS_AT_ONCE: '32', DOWNLOADS_PER_MINUTE: '600', RATE_LIMIT_MAX: '120' };

beforeAll(async () => {
  standin = await startStandin({ latencyMs: 300 });
  service = await startService(standin, { MAX_WORKERS: '5', TRUST_PROXY: '127.0.0.1', ...LIMITS_ON });
  await Promise.all(Array.from({ length: 10 }, () => honestPost()));
});

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

afterAll(async () => {
  await service.stop();
  await standin.close();
});

function fresh(): string {
  lastId += 1n;
  return `https://www.tiktok.com/@flood/video/${lastId}`;
}

const from = (address: string) => ({ 'x-forwarded-for': address });

/** Milliseconds of a post of a client that takes part in no flood. */
async function honestPost(): Promise<number> {
  const began = performance.now();
  const { status } = await service.post(fresh(), from(`198.51.100.${Math.floor(Math.random() * 250)}`));
  expect(status).toBe(200);
  return performance.now() - began;
}

async function slowestOf(count: number, request: () => Promise<number>): Promise<number> {
  let slowest = 0;
  for (let n = 0; n < count; n += 1) slowest = Math.max(slowest, await request());
  return Math.round(slowest);
}

async function open(localAddress?: string): Promise<Socket> {
  const port = Number(new URL(service.baseUrl).port);
  const socket = connect({ port, host: '127.0.0.1', ...(localAddress && { localAddress }) });
  socket.on('error', () => {});
  sockets.push(socket);
  await once(socket, 'connect');
  socket.pause();
  return socket;
}

const report = (line: string) => process.stdout.write(`\n${line}\n`);

describe('a flood', () => {
  it('of 300,000 pipelined requests on one connection costs others nothing', {
    timeout: 60_000,
  }, async () => {
    const quiet = await slowestOf(5, honestPost);
    const before = rssOf(service.pid);
    const socket = await open();
    socket.write('GET /x HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(300_000));
    const slowest = await slowestOf(5, honestPost);
    const grown = Math.round(rssOf(service.pid) - before);
    report(`300,000 pipelined: honest post ${quiet} → ${slowest} ms, memory +${grown} MiB`);
    expect(slowest).toBeLessThan(2 * quiet + 500);
    expect(grown).toBeLessThan(80);
  });

  it('of 1,200 connections that read nothing is over after the write timeout', {
    timeout: 150_000,
  }, async () => {
    const addresses = ['127.0.2.1', '127.0.2.2', '127.0.2.3', '127.0.2.4'];
    const before = openFiles(service.pid).length;
    const request = 'GET /docs/static/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(4);
    for (let n = 0; n < 1200; n += 1) (await open(addresses[n % 4])).write(request);
    const slowest = await slowestOf(3, honestPost);
    const during = openFiles(service.pid).length - before;
    // Node gives a connection the timeout twice where the first has seen a write.
    const ended = await until(() => openFiles(service.pid).length < before + 50, 90_000);
    report(`1,200 silent readers: ${during} descriptors, honest post ${slowest} ms, all closed: ${ended}`);
    // One descriptor each: no file is held open.
    expect(during).toBeLessThan(1300);
    expect(slowest).toBeLessThan(3000);
    expect(ended).toBe(true);
  });

  it('of 1,000 progress streams takes no slot of a download', { timeout: 60_000 }, async () => {
    const { body } = await service.post(
      standin.posts.add(photoPost({ photos: 1 })).url,
      from('198.51.100.1'),
    );
    const link = String(body.download_slideshow_link).replace('slideshow?', 'slideshow/progress?');
    const statuses = await Promise.all(
      Array.from({ length: 1000 }, async (_, n) => {
        const call = get(link, { agent: false, headers: from(`203.0.113.${n % 32}`) });
        call.on('error', () => {});
        call.on('socket', (socket) => sockets.push(socket));
        const [response] = (await once(call, 'response')) as [IncomingMessage];
        response.on('error', () => {});
        return response.statusCode;
      }),
    );
    const post = standin.posts.add(videoPost());
    const got = await download(await linkOf(service, post), { headers: from('198.51.100.7') });
    report(`1,000 progress streams: ${statuses.filter((status) => status === 200).length} answered 200`);
    expect(outcomeOf(got, truthOf(standin, post))).toBe('whole file');
  });

  it('from a /48, one /64 for each request, delays a client elsewhere by no more than a turn', {
    timeout: 120_000,
  }, async () => {
    const quiet = await slowestOf(5, honestPost);
    let answered = 0;
    const flood = Array.from({ length: 380 }, async (_, n) => {
      await service.post(fresh(), from(`2001:db8:1:${n.toString(16)}::1`));
      answered += 1;
    });
    await sleep(500);
    const slowest = await slowestOf(3, honestPost);
    const left = 380 - answered;
    await Promise.all(flood);
    report(`380 posts of one /48: honest post ${quiet} → ${slowest} ms, while ${left} of them waited`);
    expect(slowest).toBeLessThan(2 * quiet + 1000);
  });
});
