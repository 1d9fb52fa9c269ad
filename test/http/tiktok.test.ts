import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildTestApp, fakeExtractor, postOf, type TestApp } from '../helpers/app.ts';

let app: TestApp;

const VIDEO = 'https://www.tiktok.com/@user/video/7400000000000004242';
const PHOTOS = 'https://www.tiktok.com/@user/photo/7400000000000000003';
const PHOTO = 'https://www.tiktok.com/@user/photo/7400000000000000001';

const extractor = fakeExtractor(async (link) => {
  const photos = link.kind === 'post' ? Number(link.ref.id.at(-1)) : 0;
  if (photos > 3 || photos === 2) return postOf(link);
  const urls = (n: number) => [`https://p16-sign.tiktokcdn-us.com/${n}`];
  return postOf(link, {
    kind: 'photo',
    photos: Array.from({ length: photos }, (_, n) => ({ urls: urls(n) })),
  } as never);
});

beforeAll(async () => {
  app = await buildTestApp({ RATE_LIMIT_MAX: '0', TRUST_PROXY: '127.0.0.1' }, { extractor });
});

afterAll(() => app.close());

const get = (query: Record<string, string>, headers: Record<string, string> = {}) =>
  app.server.inject({ method: 'GET', url: '/tiktok', query, headers });

describe('GET /tiktok', () => {
  it('answers as POST, uncached', async () => {
    const { statusCode, headers, json } = await get({ url: VIDEO });
    const { body } = await app.post(VIDEO);
    expect([statusCode, headers['cache-control']]).toEqual([200, 'no-store']);
    expect(Object.keys(json())).toEqual(Object.keys(body));
    expect(json().id).toBe(body.id);
  });

  it.each([
    [VIDEO, 'no_watermark', '/stream?'],
    [VIDEO, 'no_watermark_hd', '/stream?'],
    [PHOTO, 'no_watermark', '/download?'],
    [PHOTOS, 'no_watermark', '/download?'],
    [PHOTOS, 'zip', '/download?'],
    [PHOTOS, 'slideshow', '/download-slideshow?'],
  ])('redirects to the picked file: %s, %s', async (url, pick, path) => {
    const { statusCode, headers } = await get({ url, pick });
    expect([statusCode, headers['cache-control']]).toEqual([303, 'no-store']);
    expect(headers.location).toContain(`http://service.test${path}`);
  });

  it.each([
    [VIDEO, 'zip'],
    [VIDEO, 'slideshow'],
    [PHOTO, 'no_watermark_hd'],
    [VIDEO, 'everything'],
  ])('answers 400 for a file that the post has not: %s, %s', async (url, pick) => {
    const { statusCode, json } = await get({ url, pick });
    expect([statusCode, json().code]).toEqual([400, 'invalid_request']);
  });

  it('answers 400 without a url, naming it', async () => {
    const { statusCode, json } = await get({});
    expect(statusCode).toBe(400);
    expect(json().error).toContain('url');
  });
});

describe('POST /tiktok with a form', () => {
  const form = (payload: string) =>
    app.server.inject({
      method: 'POST',
      url: '/tiktok',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload,
    });

  it('answers as with JSON', async () => {
    const { statusCode, json } = await form(`url=${encodeURIComponent(VIDEO)}&images=true`);
    expect([statusCode, json().status]).toEqual([200, 'tunnel']);
    expect(json().images).toBeDefined();
  });

  it.each(['', 'url=', '__proto__=x', 'url[]=x'])(
    'answers 400 where it does not validate: %j',
    async (payload) => {
      expect((await form(payload)).statusCode).toBe(400);
    },
  );
});

describe('links', () => {
  async function startOfLinks(env: Record<string, string>, headers: Record<string, string>) {
    const own = await buildTestApp({ RATE_LIMIT_MAX: '0', ...env }, { extractor });
    try {
      const { status, body } = await own.post(VIDEO, headers);
      const link = [body.download_link?.no_watermark].flat()[0];
      return link === undefined ? status : link.slice(0, link.indexOf('/stream'));
    } finally {
      await own.close();
    }
  }

  it.each<
    [about: string, env: Record<string, string>, headers: Record<string, string>, start: string | number]
  >([
    ['BASE_URL', { BASE_URL: 'https://a.example/x' }, { host: 'b.example' }, 'https://a.example/x'],
    ['the Host without it', { BASE_URL: '' }, { host: '192.168.1.5:3021' }, 'http://192.168.1.5:3021'],
    ['an IPv6 Host', { BASE_URL: '' }, { host: '[::1]:3021' }, 'http://[::1]:3021'],
    [
      'X-Forwarded-* of a trusted proxy',
      { BASE_URL: '', TRUST_PROXY: 'loopback' },
      { host: 'app', 'x-forwarded-host': 'dl.example.com', 'x-forwarded-proto': 'https' },
      'https://dl.example.com',
    ],
    [
      'the Host where the proxy is not trusted',
      { BASE_URL: '' },
      { host: 'app:3021', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' },
      'http://app:3021',
    ],
    ['nothing where the Host is not one', { BASE_URL: '' }, { host: 'evil.example/path?' }, 400],
    ['nothing where the Host has credentials', { BASE_URL: '' }, { host: 'a@evil.example' }, 400],
  ])('begin with %s', async (_, env, headers, start) => {
    expect(await startOfLinks(env, headers)).toBe(start);
  });

  it('are those of each request, also from the cache', async () => {
    const own = await buildTestApp({ BASE_URL: '' }, { extractor });
    try {
      const one = await own.post(VIDEO, { host: 'evil.example' });
      const two = await own.post(VIDEO, { host: 'good.example' });
      expect([one.body.cached, two.body.cached]).toEqual([false, true]);
      expect(JSON.stringify(two.body)).not.toContain('evil.example');
    } finally {
      await own.close();
    }
  });
});

describe('CORS_ORIGIN', () => {
  let cors: TestApp;

  beforeAll(async () => {
    cors = await buildTestApp({
      CORS_ORIGIN: 'https://a.example, https://*.b.example:8443, capacitor://localhost',
    });
  });

  afterAll(() => cors.close());

  it.each([
    ['https://a.example', true],
    ['https://x.b.example:8443', true],
    ['https://x.y.b.example:8443', true],
    ['capacitor://localhost', true],
    ['http://a.example', false],
    ['https://b.example:8443', false],
    ['https://x.b.example', false],
    ['https://evilb.example:8443', false],
    ['https://x.b.example:8443.evil.example', false],
    ['https://a.example.evil.example', false],
    ['null', false],
  ])('%s: allowed %s', async (origin, allowed) => {
    const { headers } = await cors.server.inject({ url: '/openapi.json', headers: { origin } });
    expect(headers['access-control-allow-origin']).toBe(allowed ? origin : undefined);
  });
});
