import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Rendition } from '../../src/posts/post.ts';
import { somePost } from '../cache/sample-post.ts';
import { buildTestApp, fakeExtractor, postOf, type TestApp } from '../helpers/app.ts';

let app: TestApp;

const VIDEO = 'https://www.tiktok.com/@user/video/7400000000000004242';
const PHOTOS = 'https://www.tiktok.com/@user/photo/7400000000000000003';
const WATERMARKED = 'https://www.tiktok.com/@user/video/7400000000000009999';
const PHOTO = 'https://www.tiktok.com/@user/photo/7400000000000000001';

const [clean] = somePost('1').renditions;
const watermarked = { ...(clean as Rendition), id: 'watermark', watermark: true };

const extractor = fakeExtractor(async (link) => {
  const photos = link.kind === 'post' ? Number(link.ref.id.at(-1)) : 0;
  if (photos === 9) return postOf(link, { renditions: [watermarked] });
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

  it.each(['', 'url=', '__proto__=x', 'url[]=x', 'url=x&links=long'])(
    'answers 400 where it does not validate: %j',
    async (payload) => {
      expect((await form(payload)).statusCode).toBe(400);
    },
  );

  const multipart = async (form: FormData) => {
    const sent = new Response(form);
    return app.server.inject({
      method: 'POST',
      url: '/tiktok',
      headers: { 'content-type': sent.headers.get('content-type') ?? '' },
      payload: Buffer.from(await sent.arrayBuffer()),
    });
  };

  it('answers also with a form in parts, and 400 where it has a file or is none', async () => {
    const fields = new FormData();
    fields.set('url', VIDEO);
    expect((await multipart(fields)).statusCode).toBe(200);
    fields.set('url', new Blob(['x']), 'x.txt');
    expect((await multipart(fields)).statusCode).toBe(400);
    const headers = { 'content-type': 'multipart/form-data; boundary=x' };
    const { statusCode, json } = await app.server.inject({
      method: 'POST',
      url: '/tiktok',
      headers,
      payload: 'x',
    });
    expect([statusCode, json().code]).toEqual([400, 'invalid_request']);
  });
});

describe('links=short', () => {
  /** With addresses as long as those of the CDN, and the longest name. */
  const long = fakeExtractor(async (link) => {
    const post = await extractor.extract(link, { client: 'test' });
    const longer = <T extends { urls: string[] }>(file: T) => ({
      ...file,
      urls: file.urls.map((url) => `${url}?${'a=1&'.repeat(200)}`),
    });
    const ref = { ...post.ref, user: 'u'.repeat(24) };
    const subtitles = [{ language: 'cmn-Hans-CN', source: 'ASR', urls: ['https://example.com/1'] }];
    return {
      ...post,
      ref,
      subtitles,
      renditions: post.renditions.map(longer),
      photos: post.photos.map((photo) => ({ ...longer(photo), live: null })),
    };
  });
  const linksIn = (body: object) => JSON.stringify(body).match(/http:\/\/service\.test\/[^"]+/g) ?? [];
  let own: TestApp;

  beforeAll(async () => {
    own = await buildTestApp({}, { extractor: long });
  });

  afterAll(() => own.close());

  it.each([VIDEO, PHOTOS])('gives links below 300 characters, by POST and by GET: %s', async (url) => {
    const asked = { url, links: 'short', images: true };
    const posted = await own.server.inject({ method: 'POST', url: '/tiktok', payload: asked });
    const got = await own.server.inject({ url: '/tiktok', query: { url, links: 'short', images: '1' } });
    for (const answer of [posted, got]) {
      const links = linksIn(answer.json());
      expect(links.length).toBeGreaterThan(3);
      expect(links.filter((link) => link.length >= 300)).toEqual([]);
    }
    const { body } = await own.post(url);
    expect(linksIn(body).some((link) => link.length > 500)).toBe(true);
  });

  it('is how `pick` redirects', async () => {
    const { headers } = await own.server.inject({
      url: '/tiktok',
      query: { url: VIDEO, pick: 'no_watermark' },
    });
    expect(String(headers.location).length).toBeLessThan(300);
  });
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

describe("the predecessors' scripts", () => {
  const rawHeaders = async (base: string, method: string, path: string) => {
    const headers = { origin: 'https://a.example', 'access-control-request-method': 'POST' };
    const sent = request(new URL(path, base), { method, headers }).end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    response.resume();
    return response.rawHeaders.filter((name) => /^access-control-allow-origin$/i.test(name));
  };

  it('find the spelling of Access-Control-Allow-Origin that each of them looks for', async () => {
    const own = await buildTestApp();
    try {
      const { url } = await own.listenAnywhere();
      expect(await rawHeaders(url, 'OPTIONS', '/tiktok')).toEqual(['Access-Control-Allow-Origin']);
      expect(await rawHeaders(url, 'OPTIONS', '/download')).toEqual(['access-control-allow-origin']);
      expect(await rawHeaders(url, 'GET', '/tiktok')).toEqual(['access-control-allow-origin']);
      const refusing = await buildTestApp({ CORS_ORIGIN: 'https://b.example' });
      const { url: other } = await refusing.listenAnywhere();
      expect(await rawHeaders(other, 'OPTIONS', '/tiktok')).toEqual([]);
      await refusing.close();
    } finally {
      await own.close();
    }
  });

  it('find `Route not found`, and a watermarked video at /stream?data=', async () => {
    const missing = await app.server.inject('/nowhere');
    expect([missing.statusCode, missing.json().error]).toEqual([404, 'Route not found']);
    const { body } = await app.post(WATERMARKED);
    expect(body.download_link?.watermark).toContain('/stream?data=');
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
