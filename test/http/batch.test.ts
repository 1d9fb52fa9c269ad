import { afterEach, describe, expect, it } from 'vitest';
import { ServiceError } from '../../src/errors.ts';
import { buildTestApp, fakeExtractor, postOf, type TestApp } from '../helpers/app.ts';

let app: TestApp;

afterEach(() => app.close());

const link = (n: number) => `https://www.tiktok.com/@user/video/74000000000000${String(n).padStart(5, '0')}`;
const links = (count: number) => Array.from({ length: count }, (_, n) => link(n));

interface Result {
  index?: number;
  id?: string;
  code?: string;
  retry_after?: number;
  request_id?: string;
}

const batch = (payload: unknown, headers: Record<string, string> = {}) =>
  app.server.inject({ method: 'POST', url: '/tiktok/batch', headers, payload: payload as object });

const LINES = { accept: 'application/x-ndjson' };
const linesOf = (text: string): Result[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

/** Each post waits until it is let go. */
function heldExtractor() {
  const held = new Map<string, { release: () => void; signal: AbortSignal | undefined }>();
  const extractor = fakeExtractor(async (found, { signal }) => {
    const id = found.kind === 'post' ? found.ref.id : '';
    await new Promise<void>((resolve, reject) => {
      held.set(id, { release: resolve, signal });
      signal?.addEventListener('abort', () => reject(signal.reason));
    });
    return postOf(found);
  });
  return { extractor, held };
}

const until = async (isSo: () => boolean) => {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
};

describe('POST /tiktok/batch', () => {
  it('answers with the post or the error of each link, in their order', async () => {
    const extractor = fakeExtractor(async (found) => {
      if (found.kind === 'post' && found.ref.id.endsWith('1')) throw new ServiceError('post_private');
      if (found.kind === 'post' && found.ref.id.endsWith('2')) throw new TypeError('a bug');
      return postOf(found);
    });
    app = await buildTestApp({}, { extractor });
    const { statusCode, headers, json } = await batch({
      urls: [link(0), link(1), 'https://example.com/', link(2), '', `Look: ${link(3)} !`],
      links: 'short',
    });
    expect([statusCode, headers['cache-control']]).toEqual([200, 'no-store']);
    const results = json().results as Result[];
    expect(results.map(({ id, code }) => code ?? id?.slice(-1))).toEqual([
      '0',
      'post_private',
      'unsupported_url',
      'internal',
      'unsupported_url',
      '3',
    ]);
    expect(results[1]?.request_id).toBe(headers['x-request-id']);
    expect(JSON.stringify(results)).not.toContain('a bug');
    const line = app.log.find(({ path }) => path === '/tiktok/batch');
    expect(line).toMatchObject({ status: 200, links: 6, failed: 4 });
  });

  it('answers one a line, each as soon as it is known, where NDJSON is accepted', async () => {
    const { extractor, held } = heldExtractor();
    app = await buildTestApp({}, { extractor });
    const { url } = await app.listenAnywhere();
    const response = await fetch(`${url}/tiktok/batch`, {
      method: 'POST',
      headers: { ...LINES, 'content-type': 'application/json' },
      body: JSON.stringify({ urls: [link(0), link(1), 'nothing'] }),
    });
    expect(response.headers.get('content-type')).toBe(LINES.accept);
    await until(() => held.size === 2);
    const seen: Result[] = [];
    for await (const chunk of response.body ?? []) {
      seen.push(...linesOf(Buffer.from(chunk).toString()));
      if (seen.length === 1) held.get('7400000000000000001')?.release();
      if (seen.length === 2) held.get('7400000000000000000')?.release();
    }
    expect(seen.map(({ index, id, code }) => [index, code ?? id])).toEqual([
      [2, 'unsupported_url'],
      [1, '7400000000000000001'],
      [0, '7400000000000000000'],
    ]);
  });

  it.each([{}, LINES])('cancels everything when the client goes away: %j', async (accept) => {
    const { extractor, held } = heldExtractor();
    app = await buildTestApp({}, { extractor });
    const { url } = await app.listenAnywhere();
    const leave = new AbortController();
    const asked = fetch(`${url}/tiktok/batch`, {
      method: 'POST',
      headers: { ...accept, 'content-type': 'application/json' },
      body: JSON.stringify({ urls: links(20) }),
      signal: leave.signal,
    }).then((response) => response.text());
    await until(() => held.size === 20);
    leave.abort();
    await expect(asked).rejects.toThrow();
    await until(() => [...held.values()].every(({ signal }) => signal?.aborted));
    await until(() => app.log.some(({ path }) => path === '/tiktok/batch'));
    expect(app.log.filter(({ level }) => Number(level) > 40)).toEqual([]);
  });

  it.each([{}, LINES])('counts each link, and answers those beyond the limit: %j', async (accept) => {
    app = await buildTestApp({ RATE_LIMIT_MAX: '5' });
    await app.post(link(99));
    const { statusCode, headers, body } = await batch({ urls: links(7) }, accept);
    expect([statusCode, headers['ratelimit-remaining']]).toEqual([200, '0']);
    const results: Result[] = accept === LINES ? linesOf(body) : JSON.parse(body).results;
    results.sort((a, b) => (a.index ?? 0) - (b.index ?? 0));
    expect(results.map(({ code }) => code)).toEqual([
      ...Array(4).fill(undefined),
      ...Array(3).fill('rate_limited'),
    ]);
    expect(results[6]?.retry_after).toBeGreaterThan(0);
    expect((await app.post(link(99))).status).toBe(429);
    const beyond = await batch({ urls: links(2) });
    expect([beyond.statusCode, beyond.json().code]).toEqual([429, 'rate_limited']);
  });

  it.each([
    [1, '9'],
    [4, '6'],
  ])('tells what is left of the limit after %i links', async (count, left) => {
    app = await buildTestApp({ RATE_LIMIT_MAX: '10' });
    expect((await batch({ urls: links(count) })).headers['ratelimit-remaining']).toBe(left);
  });

  it.each<[about: string, payload: unknown]>([
    ['no list', {}],
    ['a link instead of a list', { urls: link(0) }],
    ['an object instead of a list', { urls: { 0: link(0), length: 1 } }],
    ['an empty list', { urls: [] }],
    ['21 links', { urls: links(21) }],
    ['something else than links', { urls: [link(0), 17] }],
    ['a link that is too long', { urls: ['x'.repeat(5000)] }],
    ['an unknown kind of links', { urls: [link(0)], links: 'long' }],
    ['a megabyte', { urls: ['x'.repeat(1_000_000)] }],
    ['a list of lists', [[link(0)]]],
  ])('answers 400 to %s', async (_, payload) => {
    app = await buildTestApp();
    const { statusCode, json } = await batch(payload);
    expect([statusCode, json().code]).toEqual([400, 'invalid_request']);
  });

  it('takes 20 links as long as phones share them', async () => {
    app = await buildTestApp();
    const shared = links(20).map((url) => `${url}?_r=1&${'_t=ZT-8abcdefgh&'.repeat(40)}`);
    const { statusCode, json } = await batch({ urls: shared });
    expect([statusCode, json().results.length]).toEqual([200, 20]);
  });
});
