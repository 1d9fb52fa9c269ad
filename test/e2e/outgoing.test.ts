import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { constants, createBrotliCompress, createGzip } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Job } from '../../src/extraction/protocol.ts';
import { solvesChallenge } from '../helpers/engine.ts';
import { type SourceHost, startSourceHost } from '../helpers/sources.ts';
import { type Standin, type StandinPost, startStandin, videoPost } from '../helpers/standin/index.ts';

/** Where hostile redirects, and proxies of the environment, lead. */
const loopback = createServer((socket) => socket.on('error', () => {}).destroy());
let arrived = 0;
loopback.on('connection', () => {
  arrived += 1;
});

const PROXY_VARIABLES = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy'];

let standin: Standin;
let host: SourceHost;
let post: StandinPost;
let port = 0;

beforeAll(async () => {
  await new Promise<void>((resolve) => loopback.listen(0, '127.0.0.1', resolve));
  port = (loopback.address() as { port: number }).port;
  standin = await startStandin();
  for (const name of PROXY_VARIABLES) vi.stubEnv(name, `http://127.0.0.1:${port}`);
  host = await startSourceHost(standin);
  vi.unstubAllEnvs();
});

afterAll(async () => {
  await host?.close();
  await standin?.close();
  loopback.close();
});

beforeEach(() => {
  post = standin.posts.add(videoPost());
  standin.journal.clear();
  arrived = 0;
});
afterEach(() => standin.faults.clear());

type Request = Omit<Job, 'id' | 'timeout' | 'proxy'>;

/** Every operation that asks a server. */
const OPERATIONS: Readonly<Record<string, (post: StandinPost) => Partial<Request>>> = {
  page: ({ url }) => ({ op: 'page', url }),
  mobile: ({ url }) => ({ op: 'mobile', url }),
  player: () => ({ op: 'player' }),
  embed: () => ({ op: 'embed' }),
  oembed: ({ url }) => ({ op: 'oembed', url }),
  'douyin-detail, origin': () => ({ op: 'douyin-detail', way: 'origin' }),
  'douyin-detail, ttwid': () => ({ op: 'douyin-detail', way: 'ttwid', ttwid: 'x' }),
  'douyin-slides': () => ({ op: 'douyin-slides' }),
  'douyin-share': () => ({ op: 'douyin-share', ttwid: 'x' }),
  'douyin-feed': () => ({ op: 'douyin-feed' }),
  ttwid: () => ({ op: 'ttwid' }),
  'short link': () => ({ op: 'resolve', agent: 'bot', url: 'https://vm.tiktok.com/ZSabc/' }),
  'short link of Douyin': () => ({ op: 'resolve', agent: 'phone', url: 'https://v.douyin.com/abc/' }),
};

const request = (name: string, { id, url }: StandinPost = post): Request => {
  const platform = /ouyin|ttwid/.test(name) ? 'douyin' : 'tiktok';
  return { op: 'page', platform, post: id, url, ...OPERATIONS[name]?.(post) };
};

describe.each(Object.keys(OPERATIONS))('the redirect of a response: %s', (name) => {
  it.each([
    'http://127.0.0.1:PORT/admin?x=1',
    'https://127.0.0.1:PORT/',
    'ftp://127.0.0.1:PORT/x',
    'https://www.tiktok.com@127.0.0.1:PORT/',
    'https://[::ffff:127.0.0.1]:PORT/',
    'https://www.tiktok.com.example.com/',
    'https://v16-webapp-prime.tiktokcdn.com/video',
    'http://www.tiktok.com/',
    'https://www.tiktok.com:8443/',
    'file:///etc/passwd',
  ])('is not followed to %s', async (pattern) => {
    const location = pattern.replace('PORT', String(port));
    standin.faults.add({}, { kind: 'redirect', location });
    const reply = await host.send(request(name));
    expect(reply).toMatchObject({ ok: true, answer: { status: 302, location } });
    expect(standin.requests.map(({ kind }) => kind)).not.toContain('refused');
    expect(standin.requests).toHaveLength(1);
    expect(arrived).toBe(0);
  });
});

describe('the redirect of a page', () => {
  it('is followed within the site, five times at most', async () => {
    standin.faults.add({}, { kind: 'redirect', location: 'https://m.tiktok.com/again' });
    const reply = await host.send(request('player'));
    expect(reply).toMatchObject({ ok: true, answer: { status: 302, url: 'https://m.tiktok.com/again' } });
    expect(standin.requests).toHaveLength(6);
  });

  it('carries no cookie of another site', async () => {
    const headers = {
      location: 'https://www.douyin.com/',
      'set-cookie': 'secret=1; Domain=.tiktok.com; Path=/',
    };
    standin.faults.once({}, { kind: 'status', status: 302, headers });
    await host.send(request('page'));
    const [, second] = standin.requests;
    expect(second?.host).toBe('www.douyin.com');
    expect(second?.cookies).toEqual({});
  });

  it('leads on to the next source', async () => {
    standin.faults.add({ source: 'page' }, { kind: 'redirect', location: `http://127.0.0.1:${port}/` });
    const { result } = await host.run(post);
    expect(result).toMatchObject({ ok: true, post: { source: 'player' } });
    expect(arrived).toBe(0);
  });
});

describe('the proxies of the environment', () => {
  it('are not used by the engine', async () => {
    const url = 'https://no-such-host-of-the-tests.tiktok.com/';
    await host.send({ op: 'resolve', platform: 'tiktok', post: '', url, agent: 'bot' }, null);
    expect(arrived).toBe(0);
  });
});

const BOMB_BYTES = 1024 ** 3;
const FAST = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };

/** BOMB_BYTES of zeros, compressed. */
async function bomb(compress: ReturnType<typeof createGzip> | ReturnType<typeof createBrotliCompress>) {
  const zeros = Buffer.alloc(16 * 1024 * 1024);
  const chunks: Buffer[] = [];
  compress.on('data', (chunk: Buffer) => chunks.push(chunk));
  for (let sent = 0; sent < BOMB_BYTES; sent += zeros.length) {
    await new Promise((resolve) => compress.write(zeros, resolve));
  }
  await new Promise<void>((resolve) => compress.on('end', resolve).end());
  return chunks;
}

/** The most memory that a process has had, in MiB. */
function peakOf(pid: number): number {
  return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

describe.skipIf(process.platform !== 'linux')('a response that unpacks to 1 GiB', () => {
  it.each([
    ['gzip', 'page', () => createGzip({ level: 1 })],
    ['br', 'page', () => createBrotliCompress(FAST)],
    ['br', 'player', () => createBrotliCompress(FAST)],
  ] as const)(
    'ends early and leaves the child fit for the next job: %s, %s',
    async (encoding, name, compress) => {
      const body = await bomb(compress());
      const headers = { 'content-encoding': encoding };
      standin.faults.once({}, { kind: 'status', status: 200, body, headers });
      const began = performance.now();
      const reply = await host.send(request(name));
      expect(performance.now() - began).toBeLessThan(5000);
      expect(reply).toMatchObject({ ok: false });
      const { child } = host.pids();
      expect(peakOf(child)).toBeLessThan(256);
      expect(await host.send(request('player'))).toMatchObject({ ok: true, answer: { status: 200 } });
      expect(host.pids().child).toBe(child);
    },
  );

  it('meets a limit of memory in the child', async () => {
    await host.send(request('player'));
    const limits = readFileSync(`/proc/${host.pids().child}/limits`, 'utf8');
    expect(limits).toMatch(/^Max data size\s+536870912\s+536870912/m);
  });
});

/** A page of the post whose item has other fields. `JSON_TEXT` stands for text that JSON.stringify cannot write. */
function pageWith(fields: Record<string, unknown>, text = ''): string {
  const itemStruct = {
    id: post.id,
    desc: '',
    createTime: '1700000000',
    author: {},
    video: { id: 'x' },
    ...fields,
  };
  const scope = { 'webapp.video-detail': { itemInfo: { itemStruct }, statusCode: 0, statusMsg: '' } };
  const json = JSON.stringify({ __DEFAULT_SCOPE__: scope }).replace('"JSON_TEXT"', text);
  return `<script id="__UNIVERSAL_DATA_FOR_REHYDRATION__" type="application/json">${json}</script>`;
}

const photos = (count: number) => ({
  imagePost: {
    images: Array(count).fill({ imageURL: { urlList: ['https://p16-sign.tiktokcdn.com/a.jpeg'] } }),
  },
});

describe.skipIf(!solvesChallenge)('an item that no post has', () => {
  it.each<[string, () => string]>([
    ['NaN', () => pageWith({ ...photos(3), odd: 'JSON_TEXT' }, 'NaN')],
    ['Infinity', () => pageWith({ ...photos(3), odd: 'JSON_TEXT' }, '-Infinity')],
    ['1e999', () => pageWith({ ...photos(3), odd: 'JSON_TEXT' }, '1e999')],
    ['3 MB of text', () => pageWith({ ...photos(3), desc: 'x'.repeat(3_000_000) })],
    ['20,000 photos', () => pageWith(photos(20_000))],
    ['501 photos', () => pageWith(photos(501))],
  ])('has a clear code and costs no child: %s', async (_, page) => {
    await host.send(request('player'));
    const before = host.pids();
    standin.faults.add({ source: 'page' }, { kind: 'html', body: page() });
    const { result } = await host.run(post, { plan: { sources: ['page'], targets: [] } });
    expect(result).toMatchObject({ ok: false, code: 'extractor_outdated' });
    const next = await host.run(post);
    expect(next.result).toMatchObject({ ok: true, post: { source: 'player' } });
    expect(host.pids()).toEqual(before);
  });

  it('is a post with 500 photos', async () => {
    standin.faults.add({ source: 'page' }, { kind: 'html', body: pageWith(photos(500)) });
    const { result } = await host.run(post);
    expect(result).toMatchObject({ ok: true, post: { source: 'page' } });
  });
});
