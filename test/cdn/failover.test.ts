import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MediaClient, type MediaSource, type Renew } from '../../src/cdn/index.ts';
import { ServiceError } from '../../src/errors.ts';
import type { MediaResponse } from '../../src/media/index.ts';
import { type Behaviour, mp4Bytes, type Seen, type Serving, serve, status, Upstream } from './fake-cdn.ts';

/** Short, so that a silent mirror costs little; long enough for a busy machine. */
const IDLE_MS = 3000;
const file = mp4Bytes(1_500_000);
const other = mp4Bytes(1_500_000, 7);

let upstream: Upstream;
let client: MediaClient;
let scenes = 0;

beforeAll(async () => {
  upstream = await Upstream.start();
  client = clientWith({ stallTimeoutMs: 20_000 });
});

afterAll(async () => {
  await client.close();
  await upstream.stop();
});

function clientWith(limits: { stallTimeoutMs: number }): MediaClient {
  return new MediaClient({
    egresses: new Map([['e1', upstream.proxy]]),
    extraCa: [upstream.authority.caPem],
    idleMs: IDLE_MS,
    ...limits,
  });
}

/** Three CDN hosts of one test's own, so that tests run at the same time. */
class Scene {
  readonly a: string;
  readonly b: string;
  readonly c: string;
  readonly #id: string;

  constructor() {
    scenes += 1;
    this.#id = `tiktok:${scenes}/video/h264`;
    [this.a, this.b, this.c] = ['a', 'b', 'c'].map((name) => `v16-${name}${scenes}.tiktokcdn.com`) as [
      string,
      string,
      string,
    ];
  }

  source(...urls: string[]): MediaSource {
    return { id: this.#id, urls, cookie: null, referer: 'https://www.tiktok.com/', egress: 'e1' };
  }

  /** A source with these hosts as mirrors. */
  at(...hosts: string[]): MediaSource {
    return this.source(...hosts.map((host) => link(host)));
  }

  get requests(): Seen[] {
    return upstream.seen.filter(({ host }) => [this.a, this.b, this.c].includes(host));
  }

  get hosts(): string[] {
    return this.requests.map(({ host }) => host);
  }
}

const link = (host: string, query = 'a=1') => `https://${host}/video/1/?${query}`;
const past = Math.floor(Date.now() / 1000) - 60;

function open(from: MediaSource, renew?: Renew, by = client): Promise<MediaResponse> {
  const { signal } = new AbortController();
  return by.openMedia(from, { method: 'GET' }, renew ? { signal, renew } : { signal });
}

async function received(response: MediaResponse): Promise<string> {
  if (!response.body) throw new Error('no body');
  return sha(await buffer(response.body));
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
const redirectToItself: Behaviour = (req, res) => {
  res.writeHead(302, { location: link(req.headers.host ?? '') }).end();
};
/** A body that ends with its connection: no length, no chunks. */
const endsWithConnection: Behaviour = (_req, res) => {
  res.socket?.end(
    Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n'), file.subarray(0, 300_000)]),
  );
};

/** What a mirror does before the first byte of the file has been sent to the client. */
const EARLY_FAULTS: [string, Behaviour][] = [
  ['401', status(401)],
  ['403', status(403)],
  ['404', status(404)],
  ['410', status(410)],
  ['429', status(429)],
  ['500', status(500)],
  ['503 with HTML', status(503, { 'content-type': 'text/html' }, '<html>')],
  ['HTML as 200', html],
  ['HTML labelled as video', disguised],
  ['JSON as 200', json],
  ['an empty body', status(200, { 'content-type': 'video/mp4', 'content-length': '0' })],
  ['an empty chunked body', status(200, { 'content-type': 'video/mp4' })],
  ['a body without length or chunks', endsWithConnection],
  ['a body cut in its first bytes', serve(file, { cutAfter: 1000 })],
  ['a body that stalls in its first bytes', serve(file, { stallAfter: 1000 })],
  ['a reset', reset],
  ['silence', silent],
  ['gzip', serve(file, { headers: { 'content-encoding': 'gzip' } })],
  ['an unrequested 206', status(206, { 'content-range': 'bytes 0-9/10' }, 'x'.repeat(10))],
  ['a redirect without a target', status(302)],
  ['a redirect to plain nonsense', status(302, { location: 'gopher://x' })],
  ['a redirect to a foreign host', status(302, { location: 'https://169.254.169.254/latest/meta-data/' })],
  ['a redirect loop', redirectToItself],
  ['204', status(204)],
];

describe('before the first byte', () => {
  it.concurrent.each(EARLY_FAULTS)('%s: serves the next mirror', async (_name, behaviour) => {
    const scene = new Scene();
    upstream.script(scene.a, behaviour);
    upstream.script(scene.b, serve(file));
    const response = await open(scene.at(scene.a, scene.b));
    expect(response).toMatchObject({ status: 200, mime: 'video/mp4', extension: 'mp4' });
    expect(response.headers['content-length']).toBe(String(file.length));
    expect(await received(response)).toBe(sha(file));
  });

  it.concurrent.each(EARLY_FAULTS)('%s at all mirrors: serves a new link', async (_name, behaviour) => {
    const scene = new Scene();
    upstream.script(scene.a, behaviour);
    upstream.script(scene.b, behaviour);
    upstream.script(scene.c, serve(file));
    let renewals = 0;
    const response = await open(scene.at(scene.a, scene.b), async () => {
      renewals += 1;
      return scene.at(scene.c);
    });
    expect([await received(response), renewals]).toEqual([sha(file), 1]);
  });

  it.concurrent.each(EARLY_FAULTS)('%s everywhere: fails as upstream_failed', async (_name, behaviour) => {
    const scene = new Scene();
    upstream.script(scene.a, behaviour);
    expect(await code(open(scene.at(scene.a)))).toBe('upstream_failed');
  });

  it.concurrent('renews once when all mirrors refuse, and asks each link once', async () => {
    const scene = new Scene();
    upstream.script(scene.a, status(403));
    upstream.script(scene.b, status(403));
    upstream.script(scene.c, serve(file));
    expect(await received(await open(scene.at(scene.a, scene.b), async () => scene.at(scene.c)))).toBe(
      sha(file),
    );
    expect(scene.hosts).toEqual([scene.a, scene.b, scene.c]);
  });

  it.concurrent('renews again when the new links come from a cache and are dead too', async () => {
    const scene = new Scene();
    upstream.script(scene.a, status(403));
    upstream.script(scene.b, status(403));
    upstream.script(scene.c, serve(file));
    const found = [{ ...scene.at(scene.b), cached: true }, scene.at(scene.c)];
    const renew = async () => found.shift() ?? scene.at();
    expect(await received(await open(scene.at(scene.a), renew))).toBe(sha(file));
    expect(scene.hosts).toEqual([scene.a, scene.b, scene.c]);
  });

  it.concurrent('does not renew again when the links of an extraction are dead', async () => {
    const scene = new Scene();
    upstream.script(scene.a, status(403));
    upstream.script(scene.b, status(403));
    let renewals = 0;
    const renew = async () => {
      renewals += 1;
      return scene.at(scene.b);
    };
    expect([await code(open(scene.at(scene.a), renew)), renewals]).toEqual(['upstream_failed', 1]);
  });

  it.concurrent.each([
    ['expire', (host: string) => link(host, `expire=${past}`)],
    ['x-expires', (host: string) => link(host, `x-expires=${past}`)],
    ['the path', (host: string) => `https://${host}/${'a'.repeat(32)}/${past.toString(16)}/video/x`],
  ])('does not request a link past the expiry in %s', async (_name, expired) => {
    const scene = new Scene();
    upstream.script(scene.a, serve(other));
    upstream.script(scene.c, serve(file));
    const response = await open(scene.source(expired(scene.a)), async () => scene.at(scene.c));
    expect(await received(response)).toBe(sha(file));
    expect(scene.hosts).toEqual([scene.c]);
  });

  it.concurrent('requests a new link even if it looks expired', async () => {
    const scene = new Scene();
    upstream.script(scene.a, serve(file));
    const expired = scene.source(link(scene.a, `expire=${past}`));
    expect(await received(await open(expired, async () => expired))).toBe(sha(file));
  });

  it.concurrent('fails with the code of the extraction, upstream_failed for other errors', async () => {
    const scene = new Scene();
    upstream.script(scene.a, status(404));
    const gone = async () => {
      throw new ServiceError('post_not_found');
    };
    expect(await code(open(scene.at(scene.a), gone))).toBe('post_not_found');
    const broken = async () => {
      throw new Error('inner');
    };
    expect(await code(open(scene.at(scene.a), broken))).toBe('upstream_failed');
  });

  it.concurrent('fails as timeout when an extraction hangs', async () => {
    const scene = new Scene();
    upstream.script(scene.a, status(404));
    const impatient = clientWith({ stallTimeoutMs: 1500 });
    const hanging = () => new Promise<MediaSource>(() => {});
    expect(await code(open(scene.at(scene.a), hanging, impatient))).toBe('timeout');
    await impatient.close();
  });

  it.concurrent('recognises captions of creators, served as JSON', async () => {
    const scene = new Scene();
    const captions = Buffer.from(JSON.stringify({ utterances: [{ start_time: 0, end_time: 1, text: 'a' }] }));
    upstream.script(scene.a, serve(captions, { type: 'application/json; charset=utf-8' }));
    const response = await open(scene.at(scene.a));
    expect(response.extension).toBe('json');
    expect(await received(response)).toBe(sha(captions));
  });
});

describe('a chunked body', () => {
  const large = mp4Bytes(5_000_000);

  it.concurrent('has its length when it is small', async () => {
    const scene = new Scene();
    const small = mp4Bytes(300_000);
    upstream.script(scene.a, serve(small, { chunked: true }));
    const response = await open(scene.at(scene.a));
    expect(response.headers['content-length']).toBe('300000');
    expect(await received(response)).toBe(sha(small));
  });

  it.concurrent('has its length when it is large and the server knows ranges', async () => {
    const scene = new Scene();
    upstream.script(scene.a, serve(large, { chunked: true }));
    const response = await open(scene.at(scene.a));
    expect(response.headers['content-length']).toBe('5000000');
    expect(await received(response)).toBe(sha(large));
  });

  it.concurrent.each([
    ['a GET', undefined],
    ['a range', 'bytes=100-199'],
    ['a range from the start', 'bytes=0-'],
  ])(
    'is sent whole without a length when it is large and the server knows no ranges, for %s',
    async (_name, range) => {
      const scene = new Scene();
      upstream.script(scene.a, serve(large, { chunked: true, ignoreRange: true }));
      const { signal } = new AbortController();
      const response = await client.openMedia(scene.at(scene.a), { method: 'GET', range }, { signal });
      expect([response.status, response.size]).toEqual([200, null]);
      expect(response.headers).toEqual({
        'accept-ranges': 'none',
        'content-type': 'video/mp4',
        'last-modified': 'Tue, 06 Jan 2026 08:00:00 GMT',
      });
      expect(await received(response)).toBe(sha(large));
    },
  );

  it.concurrent('resumes without a length', async () => {
    const scene = new Scene();
    const faults = [{ cutAfter: 3_000_000 }, { cutAfter: 1000 }, {}];
    upstream.script(
      scene.a,
      ...faults.map((fault) => serve(large, { chunked: true, ignoreRange: true, ...fault })),
    );
    expect(await received(await open(scene.at(scene.a)))).toBe(sha(large));
  });

  it.concurrent('breaks off where it cannot be completed', async () => {
    const scene = new Scene();
    const cut = serve(large, { chunked: true, ignoreRange: true, cutAfter: 3_000_000 });
    // The second request asks whether the server tells the length for a range.
    upstream.script(scene.a, cut, cut, status(404));
    expect(await code(received(await open(scene.at(scene.a))))).toBe('upstream_failed');
  });
});

describe('in the middle of the body', () => {
  it.concurrent.each<[string, Serving[]]>([
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
  ])('%s: delivers every byte', async (_name, faults) => {
    const scene = new Scene();
    upstream.script(scene.a, ...faults.map((fault) => serve(file, fault)));
    expect(await received(await open(scene.at(scene.a)))).toBe(sha(file));
    expect(scene.requests).toHaveLength(faults.length);
  });

  it.concurrent('resumes at the exact byte, held to the validator', async () => {
    const scene = new Scene();
    upstream.script(scene.a, serve(file, { cutAfter: 400_000 }), serve(file));
    await received(await open(scene.at(scene.a)));
    const { headers } = scene.requests[1] ?? {};
    expect(headers?.['if-range']).toBe('"v1"');
    expect(Number(/^bytes=(\d+)-1499999$/.exec(headers?.range ?? '')?.[1])).toBeLessThanOrEqual(400_000);
  });

  it.concurrent('holds a link without a strong ETag to its date', async () => {
    const scene = new Scene();
    const weak = { etag: 'W/"v1"' };
    upstream.script(scene.a, serve(file, { cutAfter: 400_000, ...weak }), serve(file, weak));
    expect(await received(await open(scene.at(scene.a)))).toBe(sha(file));
    expect(scene.requests[1]?.headers['if-range']).toBe('Tue, 06 Jan 2026 08:00:00 GMT');
  });

  const whole: Behaviour = (_req, res) => {
    res.writeHead(206, { 'content-range': `bytes 0-1499999/${file.length}` }).end(file);
  };

  it.concurrent.each<[string, Behaviour]>([
    ['403', status(403)],
    ['a reset', reset],
    ['silence', silent],
    ['HTML', html],
    ['a range that starts elsewhere', whole],
    ['another size', serve(mp4Bytes(1_400_000))],
    ['another ETag', serve(file, { etag: '"v2"' })],
  ])('cut, then %s: goes on from the mirror', async (_name, then) => {
    const scene = new Scene();
    upstream.script(scene.a, serve(file, { cutAfter: 400_000 }), then);
    upstream.script(scene.b, serve(file, { etag: '"elsewhere"' }));
    expect(await received(await open(scene.at(scene.a, scene.b)))).toBe(sha(file));
    expect(scene.requests.at(-1)?.headers['if-range']).toBeUndefined();
  });

  it.concurrent.each(EARLY_FAULTS.filter(([name]) => !name.includes('first bytes')))(
    'cut, then %s at all mirrors: goes on from a new link with another ETag',
    async (_name, fault) => {
      const scene = new Scene();
      upstream.script(scene.a, serve(file, { cutAfter: 400_000 }), fault);
      upstream.script(scene.b, fault);
      upstream.script(scene.c, serve(file, { etag: '"new"' }));
      const response = await open(scene.at(scene.a, scene.b), async () => scene.at(scene.c));
      expect(await received(response)).toBe(sha(file));
    },
  );

  it.concurrent.each<[string, Buffer]>([
    ['of another size', mp4Bytes(1_400_000)],
    ['of the same size', Buffer.concat([file.subarray(0, 300_000), other.subarray(300_000)])],
  ])('breaks off when the file has become another one %s', async (_name, changed) => {
    const scene = new Scene();
    upstream.script(scene.a, serve(file, { cutAfter: 400_000 }), status(410));
    upstream.script(scene.c, serve(changed, { etag: '"new"' }));
    const response = await open(scene.at(scene.a), async () => scene.at(scene.c));
    expect(await code(received(response))).toBe('upstream_failed');
    expect(scene.requests).toHaveLength(3);
  });

  it.concurrent('breaks off when link and mirrors have another file that is the same up to here', async () => {
    const scene = new Scene();
    const another = Buffer.concat([file.subarray(0, file.length - 100), other.subarray(file.length - 100)]);
    const later = { etag: '"v2"', lastModified: 'Wed, 07 Jan 2026 08:00:00 GMT' };
    upstream.script(scene.a, serve(file, { cutAfter: 400_000 }), serve(another, later));
    upstream.script(scene.b, serve(another, later));
    upstream.script(scene.c, serve(another, later));
    const response = await open(scene.at(scene.a, scene.b), async () => scene.at(scene.c));
    expect(await code(received(response))).toBe('upstream_failed');
    expect(scene.requests).toHaveLength(4);
  });

  it.concurrent('breaks off with the code of the extraction when the post is gone', async () => {
    const scene = new Scene();
    upstream.script(scene.a, serve(file, { cutAfter: 400_000 }), status(404));
    const response = await open(scene.at(scene.a), async () => {
      throw new ServiceError('post_not_found');
    });
    expect(await code(received(response))).toBe('post_not_found');
  });

  it.concurrent('breaks off when the upstream breaks again and again without progress', async () => {
    const scene = new Scene();
    upstream.script(scene.a, serve(file, { cutAfter: 400_000 }), serve(file, { cutAfter: 10 }));
    expect(await code(received(await open(scene.at(scene.a))))).toBe('upstream_failed');
    expect(scene.requests.length).toBeLessThanOrEqual(8);
  });
});
