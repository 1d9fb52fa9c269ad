import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MediaClient, type MediaResponse, type MediaSource, type Renew } from '../../src/cdn/index.ts';
import { ServiceError } from '../../src/errors.ts';
import { type Behaviour, movie, type Serving, serve, status, Upstream } from './fake-cdn.ts';

const A = 'v16.tiktokcdn.com';
const B = 'v19.tiktokcdn.com';
const C = 'v77.tiktokcdn-us.com';
/** A third of it is an upstream's longest silence: enough for a machine that is busy elsewhere. */
/** A busy machine must not look like a silent CDN, which is left for the next after a third of this. */
const STALL_MS = 12_000;
const file = movie(1_500_000);
const other = movie(1_500_000, 7);

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
    stallTimeoutMs: STALL_MS,
  });
});
afterEach(() => client.close());

function source(...urls: string[]): MediaSource {
  return { id: 'tiktok/1/h264', urls, cookie: null, referer: 'https://www.tiktok.com/', egress: 'e1' };
}

const link = (host: string, query = 'a=1') => `https://${host}/video/1/?${query}`;
const past = Math.floor(Date.now() / 1000) - 60;

function open(from: MediaSource, renew?: Renew): Promise<MediaResponse> {
  const signal = new AbortController().signal;
  return client.openMedia(from, { method: 'GET' }, renew ? { signal, renew } : { signal });
}

async function received(answer: MediaResponse): Promise<string> {
  if (!answer.body) throw new Error('no body');
  return sha(await buffer(answer.body));
}

function sha(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function code(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'fulfilled',
    (error) => (error instanceof ServiceError ? error.code : String(error)),
  );
}

const html = status(200, { 'content-type': 'text/html', 'content-length': '60' }, '<html>'.padEnd(60));
const disguised = status(200, { 'content-type': 'video/mp4', 'content-length': '60' }, '<html>'.padEnd(60));
const json = status(200, { 'content-type': 'application/json' }, '{"code":-1}');
const reset: Behaviour = (_req, res) => res.socket?.destroy();
const silent: Behaviour = () => {};

/** What the first mirror does, with a good second mirror. */
const BEFORE_THE_FIRST_BYTE: [string, Behaviour][] = [
  ['401', status(401)],
  ['403', status(403)],
  ['404', status(404)],
  ['410', status(410)],
  ['429', status(429)],
  ['500', status(500)],
  ['503 with HTML', status(503, { 'content-type': 'text/html' }, '<html>')],
  ['HTML as 200', html],
  ['HTML dressed as video', disguised],
  ['JSON as 200', json],
  ['an empty body', status(200, { 'content-type': 'video/mp4', 'content-length': '0' })],
  ['an empty chunked body', status(200, { 'content-type': 'video/mp4' })],
  ['a body cut in its head', serve(file, { cutAfter: 1000 })],
  ['a body that stalls in its head', serve(file, { stallAfter: 1000 })],
  ['a reset', reset],
  ['silence', silent],
  ['gzip', serve(file, { headers: { 'content-encoding': 'gzip' } })],
  ['206 that nobody asked for', status(206, { 'content-range': 'bytes 0-9/10' }, 'x'.repeat(10))],
  ['a redirect to nowhere', status(302)],
  ['a redirect loop', status(302, { location: link(A) })],
  ['204', status(204)],
];

describe('before the first byte', () => {
  it.each(BEFORE_THE_FIRST_BYTE)('%s: the next mirror serves', async (_name, behaviour) => {
    upstream.script(A, behaviour);
    upstream.script(B, serve(file));
    const answer = await open(source(link(A), link(B)));
    expect(answer).toMatchObject({ status: 200, mime: 'video/mp4', extension: 'mp4' });
    expect(answer.headers['content-length']).toBe(String(file.length));
    expect(await received(answer)).toBe(sha(file));
  });

  it.each(BEFORE_THE_FIRST_BYTE)(
    '%s everywhere: upstream_failed, nothing promised',
    async (_name, behaviour) => {
      upstream.script(A, behaviour);
      expect(await code(open(source(link(A))))).toBe('upstream_failed');
    },
  );

  it('extracts again when all mirrors refuse, once, and serves the new link', async () => {
    upstream.script(A, status(403));
    upstream.script(B, status(403));
    upstream.script(C, serve(file));
    let renewed = 0;
    const answer = await open(source(link(A), link(B)), async () => {
      renewed += 1;
      return source(link(C));
    });
    expect(await received(answer)).toBe(sha(file));
    expect([renewed, upstream.seen.map(({ host }) => host)]).toEqual([1, [A, B, C]]);
  });

  it('asks once more when the new links came out of a cache and are dead as well', async () => {
    upstream.script(A, status(403));
    upstream.script(B, status(403));
    upstream.script(C, serve(file));
    const found = [{ ...source(link(B)), cached: true }, source(link(C))];
    const renew = async () => found.shift() ?? source();
    expect(await received(await open(source(link(A)), renew))).toBe(sha(file));
    expect(upstream.seen.map(({ host }) => host)).toEqual([A, B, C]);
  });

  it.each([
    ['expire', link(A, `expire=${past}`)],
    ['x-expires', link(A, `x-expires=${past}`)],
    ['path', `https://${A}/${'a'.repeat(32)}/${past.toString(16)}/video/x`],
  ])('does not ask a link past its own expiry (%s)', async (_name, expired) => {
    upstream.script(A, serve(other));
    upstream.script(C, serve(file));
    expect(await received(await open(source(expired), async () => source(link(C))))).toBe(sha(file));
    expect(upstream.seen.map(({ host }) => host)).toEqual([C]);
  });

  it('asks a fresh link even if it looks expired: then the clock here is wrong', async () => {
    upstream.script(A, serve(file));
    const expired = source(link(A, `expire=${past}`));
    expect(await received(await open(expired, async () => expired))).toBe(sha(file));
  });

  it('asks once more when links out of the cache are dead too, but not after a true extraction', async () => {
    upstream.script(A, status(403));
    upstream.script(B, status(403));
    upstream.script(C, serve(file));
    const kept = { ...source(link(B)), cached: true };
    const answers = [kept, source(link(C))];
    const renew: Renew = async () => answers.shift() ?? source();
    expect(await received(await open(source(link(A)), renew))).toBe(sha(file));
    expect(upstream.seen.map(({ host }) => host)).toEqual([A, B, C]);
    let renewed = 0;
    const fresh: Renew = async () => {
      renewed += 1;
      return source(link(B));
    };
    expect(await code(open(source(link(A)), fresh))).toBe('upstream_failed');
    expect(renewed).toBe(1);
  });

  it('passes on what the extraction found', async () => {
    upstream.script(A, status(404));
    const gone = async () => {
      throw new ServiceError('post_not_found');
    };
    expect(await code(open(source(link(A)), gone))).toBe('post_not_found');
    const broken = async () => {
      throw new Error('inner');
    };
    expect(await code(open(source(link(A)), broken))).toBe('upstream_failed');
  });

  it('gives up in time when an extraction hangs', async () => {
    upstream.script(A, status(404));
    expect(await code(open(source(link(A)), () => new Promise<MediaSource>(() => {})))).toBe('timeout');
  });

  it('learns the length of a small chunked body by reading it, of a large one by a range, else refuses', async () => {
    const small = movie(300_000);
    upstream.script(A, serve(small, { chunked: true }));
    const answer = await open(source(link(A)));
    expect(answer.headers['content-length']).toBe('300000');
    expect(await received(answer)).toBe(sha(small));
    const large = movie(5_000_000);
    upstream.script(A, serve(large, { chunked: true }));
    const second = await open(source(link(A)));
    expect(second.headers['content-length']).toBe('5000000');
    expect(await received(second)).toBe(sha(large));
    upstream.script(A, serve(large, { chunked: true, ignoreRange: true }));
    expect(await code(open(source(link(A))))).toBe('upstream_failed');
  });

  it('takes captions of creators for what they are, served as JSON', async () => {
    const captions = Buffer.from(JSON.stringify({ utterances: [{ start_time: 0, end_time: 1, text: 'a' }] }));
    upstream.script(A, serve(captions, { type: 'application/json; charset=utf-8' }));
    const answer = await open(source(link(A)));
    expect(answer.extension).toBe('json');
    expect(await received(answer)).toBe(sha(captions));
  });
});

describe('in the middle', () => {
  it.each<[string, Serving[]]>([
    ['cut once', [{ cutAfter: 400_000 }, {}]],
    ['cut twice', [{ cutAfter: 400_000 }, { cutAfter: 500_001 }, {}]],
    ['cut, no validators', [{ cutAfter: 400_000, etag: null }, { etag: null }]],
    ['stalled', [{ stallAfter: 400_000 }, {}]],
    ['cut, then stalled, then cut', [{ cutAfter: 100_000 }, { stallAfter: 200_000 }, { cutAfter: 1 }, {}]],
    ['cut, and the range ignored', [{ cutAfter: 700_000 }, { ignoreRange: true }]],
    [
      'cut by a server that never knows ranges',
      [{ cutAfter: 700_000, ignoreRange: true }, { ignoreRange: true }],
    ],
    ['cut one byte short', [{ cutAfter: file.length - 1 }, {}]],
    ['cut six times with progress', [...Array(6).fill({ cutAfter: 100_000 }), {}]],
  ])('%s: the client gets every byte', async (_name, faults) => {
    upstream.script(A, ...faults.map((fault) => serve(file, fault)));
    expect(await received(await open(source(link(A))))).toBe(sha(file));
    expect(upstream.seen).toHaveLength(faults.length);
  });

  it('resumes at the exact byte, held to the validator', async () => {
    upstream.script(A, serve(file, { cutAfter: 400_000 }), serve(file));
    await received(await open(source(link(A))));
    const { headers } = upstream.seen[1] ?? {};
    expect(headers?.['if-range']).toBe('"v1"');
    expect(Number(/^bytes=(\d+)-1499999$/.exec(headers?.range ?? '')?.[1])).toBeLessThanOrEqual(400_000);
  });

  it('holds a link without a strong ETag to its date', async () => {
    upstream.script(A, serve(file, { cutAfter: 400_000, etag: 'W/"v1"' }), serve(file, { etag: 'W/"v1"' }));
    expect(await received(await open(source(link(A))))).toBe(sha(file));
    expect(upstream.seen[1]?.headers['if-range']).toBe('Tue, 06 Jan 2026 08:00:00 GMT');
  });

  it.each<[string, Behaviour]>([
    ['403', status(403)],
    ['reset', reset],
    ['HTML', html],
    [
      'a range that starts elsewhere',
      (_req, res) => {
        res.writeHead(206, { 'content-range': `bytes 0-1499999/${file.length}` }).end(file);
      },
    ],
    ['another size', serve(movie(1_400_000))],
    ['another ETag', serve(file, { etag: '"v2"' })],
  ])('link broken (%s) after a cut: the mirror takes over', async (_name, then) => {
    upstream.script(A, serve(file, { cutAfter: 400_000 }), then);
    upstream.script(B, serve(file, { etag: '"elsewhere"' }));
    expect(await received(await open(source(link(A), link(B))))).toBe(sha(file));
    expect(upstream.seen.at(-1)?.headers['if-range']).toBeUndefined();
  });

  it('extracts again when no mirror goes on, and takes the same bytes under another ETag', async () => {
    upstream.script(A, serve(file, { cutAfter: 400_000 }), status(403));
    upstream.script(B, status(403));
    upstream.script(C, serve(file, { etag: '"new"' }));
    const answer = await open(source(link(A), link(B)), async () => source(link(C)));
    expect(await received(answer)).toBe(sha(file));
  });

  it.each<[string, Buffer]>([
    ['of another size', movie(1_400_000)],
    ['of the same size', Buffer.concat([file.subarray(0, 300_000), other.subarray(300_000)])],
  ])('breaks off when the file has become another one %s', async (_name, changed) => {
    upstream.script(A, serve(file, { cutAfter: 400_000 }), status(410));
    upstream.script(C, serve(changed, { etag: '"new"' }));
    const answer = await open(source(link(A)), async () => source(link(C)));
    expect(await code(received(answer))).toBe('upstream_failed');
    expect(upstream.seen).toHaveLength(3);
  });

  it('breaks off when link and mirror have another file that is the same up to here', async () => {
    const another = Buffer.concat([file.subarray(0, file.length - 100), other.subarray(file.length - 100)]);
    const later = { etag: '"v2"', lastModified: 'Wed, 07 Jan 2026 08:00:00 GMT' };
    upstream.script(A, serve(file, { cutAfter: 400_000 }), serve(another, later));
    upstream.script(B, serve(another, later));
    upstream.script(C, serve(another, later));
    const answer = await open(source(link(A), link(B)), async () => source(link(C)));
    expect(await code(received(answer))).toBe('upstream_failed');
    expect(upstream.seen).toHaveLength(4);
  });

  it('breaks off with what the extraction found when the post is gone by then', async () => {
    upstream.script(A, serve(file, { cutAfter: 400_000 }), status(404));
    const answer = await open(source(link(A)), async () => {
      throw new ServiceError('post_not_found');
    });
    expect(await code(received(answer))).toBe('post_not_found');
  });

  it('gives up an upstream that breaks again and again without getting anywhere', async () => {
    upstream.script(A, serve(file, { cutAfter: 400_000 }), serve(file, { cutAfter: 10 }));
    expect(await code(received(await open(source(link(A)))))).toBe('upstream_failed');
    expect(upstream.seen.length).toBeLessThanOrEqual(8);
  });
});
