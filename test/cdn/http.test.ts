import { buffer } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MediaClient, type MediaSource } from '../../src/cdn/index.ts';
import type { MediaRequest, MediaResponse } from '../../src/media/index.ts';
import { mp4Bytes, type Serving, serve, status, Upstream } from './fake-cdn.ts';

const A = 'v16.tiktokcdn.com';
const B = 'v19.tiktokcdn.com';
const N = 100_000;
const MODIFIED = 'Tue, 06 Jan 2026 08:00:00 GMT';
const file = mp4Bytes(N);

let upstream: Upstream;
let client: MediaClient;

beforeAll(async () => {
  upstream = await Upstream.start();
});
afterAll(() => upstream.stop());
beforeEach(() => {
  upstream.reset();
  client = fresh();
});
afterEach(() => client.close());

function fresh(): MediaClient {
  return new MediaClient({
    egresses: new Map([['e1', upstream.proxy]]),
    extraCa: [upstream.authority.caPem],
    stallTimeoutMs: 30_000,
  });
}

function source(host = A): MediaSource {
  const urls = [`https://${host}/video/1/`];
  return { id: 'tiktok/1/h264', urls, cookie: null, referer: 'https://www.tiktok.com/', egress: 'e1' };
}

function ask(request: Partial<MediaRequest>, host = A): Promise<MediaResponse> {
  return client.openMedia(
    source(host),
    { method: 'GET', ...request },
    { signal: new AbortController().signal },
  );
}

async function bytes({ body }: MediaResponse): Promise<Buffer> {
  return body ? buffer(body) : Buffer.alloc(0);
}

/** Range header → first and last byte of a 206, `all` for a 200, or 416. */
const RANGES: [string, [number, number] | 'all' | 416][] = [
  ['bytes=0-', [0, N - 1]],
  ['bytes=0-0', [0, 0]],
  ['bytes=0-1', [0, 1]],
  ['bytes=0-4095', [0, 4095]],
  ['bytes=1-', [1, N - 1]],
  ['bytes=100-199', [100, 199]],
  ['bytes=4095-4096', [4095, 4096]],
  [`bytes=${N - 1}-`, [N - 1, N - 1]],
  [`bytes=${N - 1}-${N + 100}`, [N - 1, N - 1]],
  ['bytes=50000-99999999999999999999', [50_000, N - 1]],
  ['bytes=-1', [N - 1, N - 1]],
  ['bytes=-500', [N - 500, N - 1]],
  [`bytes=-${N}`, [0, N - 1]],
  [`bytes=-${N * 2}`, [0, N - 1]],
  ['Bytes=7-8', [7, 8]],
  ['bytes= 7-8 ', [7, 8]],
  [`bytes=${N}-`, 416],
  [`bytes=${N}-${N + 5}`, 416],
  ['bytes=99999999999999999999-', 416],
  ['bytes=-0', 416],
  ['bytes=5-2', 'all'],
  ['bytes=a-b', 'all'],
  ['bytes=-', 'all'],
  ['bytes', 'all'],
  ['bytes=', 'all'],
  ['', 'all'],
  ['bytes=1-x-2', 'all'],
  ['bytes=0x1-0x2', 'all'],
  ['bytes=1.5-3', 'all'],
  ['bytes=+1-3', 'all'],
  ['items=0-5', 'all'],
  ['bytes=0-1,5-6', 'all'],
  ['bytes=-5,0-1', 'all'],
  ['bytes=0-1\r\nx-evil: 1', 'all'],
];

describe.each<[string, Serving]>([
  ['an upstream that knows ranges', {}],
  ['an upstream that ignores ranges', { ignoreRange: true }],
])('%s', (_name, serving) => {
  it.each(RANGES)('answers Range %j with %j', async (range, expected) => {
    upstream.script(A, serve(file, serving));
    const answer = await ask({ range });
    const got = await bytes(answer);
    expect(answer.headers['accept-ranges']).toBe('bytes');
    if (expected === 'all') {
      expect([answer.status, answer.headers['content-length']]).toEqual([200, String(N)]);
      expect(answer.headers['content-range']).toBeUndefined();
      expect(got.equals(file)).toBe(true);
    } else if (expected === 416) {
      expect([answer.status, answer.headers['content-range']]).toEqual([416, `bytes */${N}`]);
      expect(answer.body).toBeNull();
    } else {
      const [start, end] = expected;
      expect([answer.status, answer.mime]).toEqual([206, 'video/mp4']);
      expect(answer.headers['content-range']).toBe(`bytes ${start}-${end}/${N}`);
      expect(answer.headers['content-length']).toBe(String(end - start + 1));
      expect(got.equals(file.subarray(start, end + 1))).toBe(true);
    }
  });
});

describe('preconditions', () => {
  let etag: string;
  beforeEach(async () => {
    upstream.script(A, serve(file));
    upstream.script(B, serve(file, { etag: '"other"' }));
    etag = (await ask({ method: 'HEAD' })).headers.etag ?? '';
  });

  it('gives the same bytes one strong ETag, from any mirror and for any range', async () => {
    expect(etag).toMatch(/^"[\w-]{27}"$/);
    const answers = await Promise.all([
      ask({}),
      ask({}, B),
      ask({ range: 'bytes=5-9' }),
      ask({ range: 'bytes=-9' }, B),
    ]);
    for (const answer of answers) answer.body?.destroy();
    expect(answers.map(({ headers }) => headers.etag)).toEqual([etag, etag, etag, etag]);
    upstream.script(A, serve(mp4Bytes(N, 3)));
    expect((await ask({ method: 'HEAD' })).headers.etag).not.toBe(etag);
  });

  it.each<[string, (etag: string) => Partial<MediaRequest>, number]>([
    ['If-None-Match: the tag', (tag) => ({ ifNoneMatch: tag }), 304],
    ['If-None-Match: the weak tag', (tag) => ({ ifNoneMatch: `W/${tag}` }), 304],
    ['If-None-Match: a list', (tag) => ({ ifNoneMatch: `"x", ${tag}` }), 304],
    ['If-None-Match: *', () => ({ ifNoneMatch: '*' }), 304],
    ['If-None-Match: another', () => ({ ifNoneMatch: '"x"' }), 200],
    ['If-None-Match on HEAD', (tag) => ({ method: 'HEAD', ifNoneMatch: tag }), 304],
    ['If-None-Match goes before a range', (tag) => ({ ifNoneMatch: tag, range: 'bytes=0-1' }), 304],
    ['If-Modified-Since: the date', () => ({ ifModifiedSince: MODIFIED }), 304],
    ['If-Modified-Since: later', () => ({ ifModifiedSince: 'Wed, 07 Jan 2026 08:00:00 GMT' }), 304],
    ['If-Modified-Since: earlier', () => ({ ifModifiedSince: 'Mon, 05 Jan 2026 08:00:00 GMT' }), 200],
    ['If-Modified-Since: nonsense', () => ({ ifModifiedSince: 'yesterday' }), 200],
    ['If-None-Match beats If-Modified-Since', () => ({ ifNoneMatch: '"x"', ifModifiedSince: MODIFIED }), 200],
    ['If-Range: the tag', (tag) => ({ range: 'bytes=5-9', ifRange: tag }), 206],
    ['If-Range: the tag, from the start', (tag) => ({ range: 'bytes=0-', ifRange: tag }), 206],
    ['If-Range: the weak tag', (tag) => ({ range: 'bytes=5-9', ifRange: `W/${tag}` }), 200],
    ['If-Range: another', () => ({ range: 'bytes=5-9', ifRange: '"x"' }), 200],
    ['If-Range: the date', () => ({ range: 'bytes=5-9', ifRange: MODIFIED }), 206],
    ['If-Range: a later date', () => ({ range: 'bytes=5-9', ifRange: 'Wed, 07 Jan 2026 08:00:00 GMT' }), 200],
    ['If-Range: another, unsatisfiable range', () => ({ range: `bytes=${N}-`, ifRange: '"x"' }), 200],
    ['If-Range: the tag, unsatisfiable range', (tag) => ({ range: `bytes=${N}-`, ifRange: tag }), 416],
    ['If-Range without a range', (tag) => ({ ifRange: tag }), 200],
  ])('%s', async (_name, request, expected) => {
    const answer = await ask(request(etag));
    expect(answer.status).toBe(expected);
    expect(answer.headers.etag).toBe(etag);
    const got = await bytes(answer);
    if (expected === 206) expect([5, N]).toContain(got.length);
    else expect(got.length).toBe(expected === 200 ? N : 0);
  });

  it('resumes by If-Range at another mirror', async () => {
    const answer = await ask({ range: 'bytes=60000-', ifRange: etag }, B);
    expect(answer.status).toBe(206);
    expect((await bytes(answer)).equals(file.subarray(60_000))).toBe(true);
  });
});

describe('a Last-Modified that is no date', () => {
  it.each(['yesterday', 'Tue, 06 Jan 2026 08:00:00 GMT, evil', '\u00e4'])(
    '%j is left out',
    async (lastModified) => {
      upstream.script(A, serve(file, { lastModified }));
      expect((await ask({ method: 'HEAD' })).headers).not.toHaveProperty('last-modified');
    },
  );
});

describe('HEAD', () => {
  it('has the headers of GET and costs the start of the file', async () => {
    upstream.script(A, serve(file));
    const head = await ask({ method: 'HEAD' });
    expect(head).toMatchObject({ status: 200, body: null, mime: 'video/mp4', size: N });
    const get = await ask({});
    expect(get.headers).toEqual(head.headers);
    await bytes(get);
    expect(upstream.seen[0]).toMatchObject({ sent: 4096, headers: { range: 'bytes=0-4095' } });
  });

  it('ignores Range', async () => {
    upstream.script(A, serve(file));
    expect((await ask({ method: 'HEAD', range: 'bytes=1-2' })).status).toBe(200);
  });

  it('closes an upstream that ignores the range at once', async () => {
    const large = mp4Bytes(20_000_000);
    upstream.script(A, serve(large, { ignoreRange: true }));
    expect((await ask({ method: 'HEAD' })).headers['content-length']).toBe('20000000');
    await expect.poll(() => upstream.seen[0]?.closedAt).toBeGreaterThan(0);
    expect(upstream.seen[0]?.sent).toBeLessThan(8_000_000);
  });
});

describe('upstream requests', () => {
  it('carry nothing of the client but a validated range', async () => {
    upstream.script(A, serve(file));
    const evil = 'bytes=0-1\r\nx-evil: 1';
    await ask({ range: evil, ifRange: 'evil', ifNoneMatch: 'evil', ifModifiedSince: 'evil' }).then(bytes);
    await ask({ range: 'bytes=00010-19' }).then(bytes);
    expect(JSON.stringify(upstream.seen)).not.toContain('evil');
    const last = upstream.seen.at(-1)?.headers;
    expect(last).toEqual({
      host: A,
      connection: 'keep-alive',
      'user-agent': expect.stringContaining('Chrome/'),
      accept: '*/*',
      'accept-encoding': 'identity',
      referer: 'https://www.tiktok.com/',
      range: 'bytes=10-19',
    });
  });

  it('reuse metadata and connections: a second seek costs one request and no tunnel', async () => {
    upstream.script(A, serve(file));
    await ask({ range: 'bytes=5-9' }).then(bytes);
    await setImmediate();
    await ask({ range: 'bytes=50-99' }).then(bytes);
    expect(upstream.seen.map(({ headers }) => headers.range)).toEqual([
      'bytes=0-4095',
      'bytes=5-9',
      'bytes=50-99',
    ]);
    expect(upstream.tunnels).toEqual([`${A}:443`]);
  });

  it('start over when the known metadata are of a file that has been replaced', async () => {
    upstream.script(A, serve(file));
    await ask({ range: 'bytes=5-9' }).then(bytes);
    const shorter = mp4Bytes(N - 1000, 2);
    upstream.script(A, serve(shorter));
    const answer = await ask({ range: 'bytes=5-9' });
    expect(answer.headers['content-range']).toBe(`bytes 5-9/${N - 1000}`);
    expect((await bytes(answer)).equals(shorter.subarray(5, 10))).toBe(true);
  });

  it.each([
    ['https://v16-webapp-prime.tiktok.com/a?tk=tt_chain_token', true],
    ['https://v16-webapp-prime.tiktok.com/a', true],
    ['https://v16.tiktokcdn.com/a?tk=tt_chain_token', true],
    ['https://v16.tiktokcdn.com/a?tk=other', false],
    ['https://v16.tiktokcdn.com/a', false],
    ['https://p3.douyinvod.com/a', false],
  ])('send the cookie to %s: %s', async (url, expected) => {
    upstream.script(new URL(url).host, serve(file));
    const from = { ...source(), urls: [url], cookie: 'tt_chain_token=uiu06/==' };
    const answer = await client.openMedia(from, { method: 'HEAD' }, { signal: new AbortController().signal });
    expect(answer.status).toBe(200);
    expect(upstream.seen[0]?.headers.cookie).toBe(expected ? 'tt_chain_token=uiu06/==' : undefined);
  });

  it('decide on the cookie at each redirect, and use https for a redirect to http', async () => {
    const first = 'v16-webapp-prime.tiktok.com';
    upstream.script(first, status(302, { location: `http://${A}/b?x=1` }));
    upstream.script(A, status(307, { location: '/c' }), serve(file));
    const from = { ...source(first), cookie: 'tt_chain_token=abc' };
    const answer = await client.openMedia(from, { method: 'GET' }, { signal: new AbortController().signal });
    expect((await bytes(answer)).equals(file)).toBe(true);
    expect(upstream.seen.map(({ path, headers }) => [path, headers.cookie])).toEqual([
      ['/video/1/', 'tt_chain_token=abc'],
      ['/b?x=1', undefined],
      ['/c', undefined],
    ]);
  });

  it.each([
    [5, 200],
    [6, 'upstream_failed'],
  ])('with %i redirects end in %s', async (count, expected) => {
    upstream.script(A, ...Array(count).fill(status(301, { location: '/next' })), serve(file));
    const got = await ask({ method: 'HEAD' }).then(
      (answer) => answer.status,
      (error) => error.code,
    );
    expect(got).toBe(expected);
  });
});
