import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { MediaClient, type MediaSource } from '../../src/cdn/index.ts';
import { mp4Bytes, serve, status, Upstream } from '../cdn/fake-cdn.ts';

const HOST = 'v16.tiktokcdn.com';
const file = mp4Bytes(24_000_000);
const source: MediaSource = {
  id: 'tiktok/1/h264',
  urls: [`https://${HOST}/video/1/`],
  cookie: null,
  referer: 'https://www.tiktok.com/',
  egress: 'e1',
};

let upstream: Upstream;
let client: MediaClient;

beforeAll(async () => {
  upstream = await Upstream.start();
});
afterAll(() => upstream.stop());
beforeEach(() => {
  upstream.reset();
  client = new MediaClient({
    egresses: new Map([['e1', upstream.proxy]]),
    extraCa: [upstream.authority.caPem],
    stallTimeoutMs: 4500,
  });
});
afterEach(() => client.close());

async function open(signal: AbortSignal) {
  const { body } = await client.openMedia(source, { method: 'GET' }, { signal });
  if (!body) throw new Error('no body');
  body.on('error', () => {});
  await new Promise((resolve) => body.once('data', resolve));
  return body;
}

it('counts a download that its client aborts as broken by the client', async () => {
  upstream.script(HOST, serve(file));
  const gone = new AbortController();
  const body = await open(gone.signal);
  gone.abort();
  expect(body.destroyed).toBe(true);
  await expect.poll(() => client.stats.active).toBe(0);
  expect(client.stats).toMatchObject({ brokenByClient: 1, brokenByCdn: 0, active: 0 });
});

it('counts a download that its client closes as broken by the client', async () => {
  upstream.script(HOST, serve(file));
  const body = await open(new AbortController().signal);
  body.destroy();
  await expect.poll(() => client.stats.active).toBe(0);
  expect(client.stats).toMatchObject({ brokenByClient: 1, brokenByCdn: 0 });
});

it('counts a download that no CDN link completes as broken by the CDN', async () => {
  upstream.script(HOST, serve(file, { cutAfter: 500_000 }), status(404));
  const body = await open(new AbortController().signal);
  body.resume();
  await expect.poll(() => client.stats.active, { timeout: 10_000 }).toBe(0);
  expect(client.stats).toMatchObject({ brokenByClient: 0, brokenByCdn: 1 });
});

it('counts a complete download as not broken', async () => {
  upstream.script(HOST, serve(file));
  const body = await open(new AbortController().signal);
  body.resume();
  await expect.poll(() => client.stats.active, { timeout: 10_000 }).toBe(0);
  expect(client.stats).toMatchObject({ opened: 1, brokenByClient: 0, brokenByCdn: 0 });
});
