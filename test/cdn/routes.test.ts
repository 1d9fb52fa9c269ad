import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type FileOutcome, MediaClient, type MediaSource } from '../../src/cdn/index.ts';
import { Routes } from '../../src/cdn/routes.ts';
import { LinkError } from '../../src/cdn/source.ts';
import { AddressGuard } from '../../src/cdn/ssrf-guard.ts';
import { type Behaviour, mp4Bytes, serve, status, Upstream } from './fake-cdn.ts';

const A = 'https://v16.tiktokcdn.com/video';
const B = 'https://v19.tiktokcdn.com/video';

let upstream: Upstream;
beforeAll(async () => {
  upstream = await Upstream.start();
});
afterAll(() => upstream.stop());
beforeEach(() => upstream.reset());

describe('direct-first', () => {
  const dead = () => Promise.reject(new LinkError('status', '403 from v16'));
  let routes: Routes;
  afterEach(() => routes.close());

  /** Tries links one after the other; `refuses` says which egresses refuse which. */
  function world({ directFirst = true, id = 'p1', proxy = 'http://127.0.0.1:1' as string | null } = {}) {
    const clock = { now: 1 };
    routes = new Routes({
      egresses: new Map([[id, proxy]]),
      directFirst,
      extraCa: [],
      guard: new AddressGuard(),
      now: () => clock.now,
    });
    const asked: string[] = [];
    const ask = (link: string, refusing: readonly string[] = [], error = dead) =>
      routes
        .try(link, id, ({ egress }) => {
          asked.push(egress);
          return refusing.includes(egress) ? error() : Promise.resolve(egress);
        })
        .catch((reason: Error) => reason.message);
    return { ask, asked, clock };
  }

  it('tries each host directly, and keeps to that while it works', async () => {
    const { ask, asked } = world();
    expect(await ask(A)).toBe('direct');
    expect(await ask(A)).toBe('direct');
    expect(asked).toEqual(['direct', 'direct']);
  });

  it('goes the way of the page where a host refuses, and remembers the host for half an hour', async () => {
    const { ask, asked, clock } = world();
    expect(await ask(A, ['direct'])).toBe('p1');
    expect(await ask(A, ['direct'])).toBe('p1');
    expect(await ask(B)).toBe('direct');
    expect(asked).toEqual(['direct', 'p1', 'p1', 'direct']);
    clock.now += 31 * 60_000;
    expect(await ask(A)).toBe('direct');
  });

  it('learns nothing of a link that is dead either way', async () => {
    const { ask, asked } = world();
    expect(await ask(A, ['direct', 'p1'])).toBe('status: 403 from v16');
    expect(await ask(A)).toBe('direct');
    expect(asked).toEqual(['direct', 'p1', 'direct']);
  });

  it.each<[string, () => Promise<never>]>([
    ['the client has left', () => Promise.reject(new Error('aborted'))],
    ['the file has changed', () => Promise.reject(new LinkError('changed', 'another start'))],
  ])('does not try twice where %s', async (_name, error) => {
    const { ask, asked } = world();
    await ask(A, ['direct'], error);
    expect(asked).toEqual(['direct']);
  });

  it.each([
    ['without MEDIA_EGRESS', { directFirst: false, id: 'p1' }],
    ['without proxies', { id: 'direct', proxy: null }],
  ])('is not done %s', async (_name, options) => {
    const { ask, asked } = world(options);
    expect(await ask(A, [options.id])).toMatch('403');
    expect(asked).toEqual([options.id]);
  });
});

describe('a file that the direct way refuses', () => {
  it('comes through the proxy of its page, whole, and the next one without a detour', async () => {
    const file = mp4Bytes(100_000);
    upstream.script('v16.tiktokcdn.com', serve(file));
    const outcomes: FileOutcome[] = [];
    const resolve = vi.fn(async () => [{ address: '127.0.0.1', family: 4 }]);
    const client = new MediaClient({
      egresses: new Map([['p1', upstream.proxy]]),
      directFirst: true,
      extraCa: [upstream.authority.caPem],
      stallTimeoutMs: 10_000,
      resolve,
      onOutcome: (outcome) => outcomes.push(outcome),
    });
    const source: MediaSource = { id: 'tiktok:1/video', urls: [A], cookie: null, referer: '', egress: 'p1' };
    for (let time = 0; time < 2; time += 1) {
      const { signal } = new AbortController();
      const { body } = await client.openMedia(source, { method: 'GET' }, { signal });
      const chunks: Buffer[] = [];
      for await (const chunk of body ?? []) chunks.push(chunk as Buffer);
      expect(Buffer.concat(chunks).equals(file)).toBe(true);
    }
    expect(resolve).toHaveBeenCalledOnce();
    expect(outcomes).toEqual(Array(2).fill({ egress: 'p1', via: 'p1', post: 'tiktok:1', fault: null }));
    await client.close();
  });
});

describe('the outcome of a file', () => {
  const CLOSED = 'http://127.0.0.1:1';
  const name = (code: string) => () => Promise.reject(Object.assign(new Error(code), { code }));

  it.each<
    [
      string,
      {
        script?: Behaviour;
        proxy?: 'cdn' | 'closed' | null;
        trusts?: boolean;
        resolve?: () => Promise<never>;
      },
      string | null,
    ]
  >([
    ['served', { script: serve(mp4Bytes(5000)) }, null],
    ['a name without an address', { proxy: null, resolve: name('ENOTFOUND') }, 'name'],
    ['a name that leads inside', { proxy: null }, 'name'],
    ['a certificate of an unknown authority', { trusts: false }, 'tls'],
    ['a proxy that is closed', { proxy: 'closed' }, 'connection'],
    ['a connection that breaks', { script: (req) => void req.socket.destroy() }, 'connection'],
    ['403', { script: status(403) }, 'refused'],
    ['404', { script: status(404) }, 'other'],
    [
      'a page',
      { script: status(200, { 'content-type': 'text/html', 'content-length': '2' }, 'no') },
      'other',
    ],
    ['silence', { script: () => {} }, 'stalled'],
  ])('%s', async (_name, { script, proxy = 'cdn', trusts = true, resolve }, fault) => {
    if (script) upstream.script('v16.tiktokcdn.com', script);
    const outcomes: FileOutcome[] = [];
    const client = new MediaClient({
      egresses: new Map([['e', proxy === 'cdn' ? upstream.proxy : proxy === null ? null : CLOSED]]),
      extraCa: trusts ? [upstream.authority.caPem] : [],
      stallTimeoutMs: 3000,
      idleMs: 300,
      resolve: resolve ?? (async () => [{ address: '10.0.0.1', family: 4 }]),
      onOutcome: (outcome) => outcomes.push(outcome),
    });
    const source = { id: 'tiktok:1/video', urls: [A], cookie: null, referer: '', egress: 'e' };
    const { signal } = new AbortController();
    await client.openMedia(source, { method: 'HEAD' }, { signal }).catch(() => {});
    expect(outcomes).toEqual([{ egress: 'e', via: 'e', post: 'tiktok:1', fault }]);
    await client.close();
  });

  it('is none where the client left, or a new extraction failed', async () => {
    upstream.script('v16.tiktokcdn.com', () => {});
    const onOutcome = vi.fn();
    const client = new MediaClient({
      egresses: new Map([['e', upstream.proxy]]),
      extraCa: [upstream.authority.caPem],
      stallTimeoutMs: 3000,
      onOutcome,
    });
    const source = { id: 'tiktok:1/video', urls: [A], cookie: null, referer: '', egress: 'e' };
    const left = AbortSignal.timeout(100);
    await client.openMedia(source, { method: 'HEAD' }, { signal: left }).catch(() => {});
    const { signal } = new AbortController();
    const renew = () => Promise.reject(new Error('no such post'));
    await client.openMedia({ ...source, urls: [] }, { method: 'HEAD' }, { signal, renew }).catch(() => {});
    expect(onOutcome).not.toHaveBeenCalled();
    await client.close();
  });
});
