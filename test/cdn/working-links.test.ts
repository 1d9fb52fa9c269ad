import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MediaClient, type MediaSource, type MediaStatus } from '../../src/cdn/index.ts';
import { mp4Bytes, serve, status, Upstream } from './fake-cdn.ts';

const file = mp4Bytes(100_000);
const past = Math.floor(Date.now() / 1000) - 60;
let upstream: Upstream;
let client: MediaClient;
let seen: MediaStatus[];

beforeAll(async () => {
  upstream = await Upstream.start();
});
afterAll(() => upstream.stop());
beforeEach(() => {
  upstream.reset();
  seen = [];
  client = new MediaClient({
    egresses: new Map([
      ['e1', upstream.proxy],
      ['e2', upstream.proxy],
    ]),
    extraCa: [upstream.authority.caPem],
    stallTimeoutMs: 20_000,
    idleMs: 500,
    onStatus: (one) => seen.push(one),
  });
});
afterEach(() => client.close());

const host = (name: string) => `v16-${name}.tiktokcdn.com`;

/** Opens a file at a host of that name, as this client. */
async function download(name: string, as: string | null = name, egress = 'e1'): Promise<void> {
  const source: MediaSource = {
    id: `tiktok:${name}/video/x`,
    urls: [`https://${host(name)}/video`],
    cookie: null,
    referer: 'https://www.tiktok.com/',
    egress,
  };
  const { signal } = new AbortController();
  await client.openMedia(source, { method: 'HEAD' }, { signal, ...(as !== null && { client: as }) });
}

async function downloaded(...names: string[]): Promise<void> {
  for (const name of names) {
    upstream.script(host(name), serve(file));
    await download(name);
  }
  upstream.seen.length = 0;
}

const requested = () => upstream.seen.map((one) => one.host).sort();

describe('the status of each response', () => {
  it('names egress, post and client', async () => {
    upstream.script(host('a'), status(302, { location: `https://${host('b')}/` }));
    upstream.script(host('b'), serve(file));
    await download('a', 'some client');
    const about = { egress: 'e1', post: 'tiktok:a', client: 'some client' };
    expect(seen).toEqual([
      { ...about, status: 302 },
      { ...about, status: 206 },
    ]);
  });

  it('names no client where there is none', async () => {
    upstream.script(host('a'), status(403));
    await expect(download('a', null)).rejects.toThrow();
    expect(seen).toEqual([{ egress: 'e1', post: 'tiktok:a', client: null, status: 403 }]);
  });
});

describe('checkEgress', () => {
  it('is true while one of the links still works, and requests one byte of each', async () => {
    await downloaded('a', 'b');
    upstream.script(host('a'), status(403));
    expect(await client.checkEgress('e1')).toBe(true);
    expect(requested()).toEqual([host('a'), host('b')]);
    expect(upstream.seen.map(({ headers }) => headers.range)).toEqual(['bytes=0-0', 'bytes=0-0']);
  });

  it('is false when all links that give an answer are refused', async () => {
    await downloaded('a', 'b', 'c');
    upstream.script(host('a'), status(403));
    upstream.script(host('b'), status(404));
    upstream.script(host('c'), () => {});
    expect(await client.checkEgress('e1')).toBe(false);
  });

  it('is null when no link gives an answer', async () => {
    await downloaded('a', 'b');
    upstream.script(host('a'), status(500));
    upstream.script(host('b'), () => {});
    expect(await client.checkEgress('e1')).toBeNull();
  });

  it('is false where nothing has ever worked, and requests nothing', async () => {
    upstream.script(host('a'), status(403));
    await expect(download('a')).rejects.toThrow();
    upstream.seen.length = 0;
    expect(await client.checkEgress('e1')).toBe(false);
    expect(requested()).toEqual([]);
  });

  it('is null where all links have expired, and requests nothing', async () => {
    upstream.script(host('a'), serve(file));
    const urls = [`https://${host('a')}/video?expire=${past}`];
    const source = { id: 'x', urls, cookie: null, referer: '', egress: 'e1' };
    const { signal } = new AbortController();
    // Only a new link is requested although it looks expired.
    await client.openMedia(source, { method: 'HEAD' }, { signal, client: 'a', renew: async () => source });
    upstream.seen.length = 0;
    expect(await client.checkEgress('e1')).toBeNull();
    expect(requested()).toEqual([]);
  });

  it('knows the links of the egress only', async () => {
    await downloaded('a');
    expect(await client.checkEgress('e2')).toBe(false);
  });

  it('keeps one link of a client, the latest, and four clients', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) upstream.script(host(name), serve(file));
    await download('a', 'one');
    await download('b', 'two');
    await download('c', 'one');
    await download('d', 'three');
    await download('e', 'four');
    upstream.seen.length = 0;
    await client.checkEgress('e1');
    expect(requested()).toEqual(['b', 'c', 'd', 'e'].map(host));
    await download('f', 'five');
    upstream.seen.length = 0;
    await client.checkEgress('e1');
    expect(requested()).toEqual(['c', 'd', 'e', 'f'].map(host));
  });

  it('tells onStatus nothing: its responses are no downloads', async () => {
    await downloaded('a');
    seen.length = 0;
    await client.checkEgress('e1');
    expect(seen).toEqual([]);
  });
});
