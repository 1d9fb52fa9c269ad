import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hashKey } from '../../src/access/index.ts';
import { ERRORS, type ErrorCode, ServiceError } from '../../src/errors.ts';
import { Links, TokenSealer } from '../../src/links/index.ts';
import type { Post, Rendition } from '../../src/posts/post.ts';
import { somePost } from '../cache/sample-post.ts';
import { buildTestApp, fakeExtractor, type TestApp } from '../helpers/app.ts';
import { KEY } from '../helpers/service.ts';

const [h264] = somePost('1').renditions as [Rendition];
const h265: Rendition = {
  ...h264,
  id: 'h265_1080p_900000',
  codec: 'h265',
  width: 1080,
  height: 1920,
  size: 9,
};
const SOUND = {
  title: 'A song',
  author: 'A singer',
  album: 'An album',
  durationMs: 17_400,
  cover: 'https://p16-sign.tiktokcdn-us.com/song.jpeg',
  urls: ['https://v16-webapp.tiktok.com/song'],
};
const photo = (n: number) => ({
  urls: [`https://p16-sign.tiktokcdn-us.com/${n}`],
  width: 1080,
  height: 1440,
  live: null,
});
const clip = { urls: ['https://v16-webapp.tiktok.com/clip'], width: null, height: null, durationMs: 3000 };

/** What there is, by the name in the link. */
const POSTS: Record<string, Partial<Post>> = {
  video: {
    renditions: [h265, h264, { ...h264, id: 'watermark', watermark: true, size: 3 }],
    sound: SOUND,
    subtitles: [{ language: 'eng-US', source: 'ASR', urls: ['https://v16-webapp.tiktok.com/captions'] }],
  },
  photos: { kind: 'photo', renditions: [], photos: [photo(1), { ...photo(2), live: clip }], sound: SOUND },
  quiet: { kind: 'photo', renditions: [], photos: [photo(1)] },
  silent: { renditions: [{ ...h264, hasAudio: false }] },
  nothing: { renditions: [] },
};

const id = '7400000000000004242';
const link = (name: string) => `https://www.tiktok.com/@${name}/video/${id}`;

const extractor = fakeExtractor(async (found) => {
  const user = (found.kind === 'post' && found.ref.user) || '';
  if (user in ERRORS) {
    const code = user as ErrorCode;
    throw new ServiceError(code, { ...(ERRORS[code].retryable && { retryAfter: 3 }) });
  }
  return somePost(id, { ...POSTS[user], ref: { platform: 'tiktok', id, user } });
});

const opener = new Links(new TokenSealer(KEY), '', 1);

let app: TestApp;

beforeAll(async () => {
  const env = {
    DIALECTS: 'cobalt,tikwm',
    CACHE_TTL: '0',
    RATE_LIMIT_MAX: '0',
    BASE_URL: 'https://dl.example/x',
  };
  app = await buildTestApp(env, { extractor });
});

afterAll(() => app.close());

const ACCEPT = { accept: 'application/json' };
const cobalt = async (body: unknown, on = app, headers: Record<string, string> = ACCEPT) => {
  const answer = await on.server.inject({ method: 'POST', url: '/', headers, payload: body as object });
  return { status: answer.statusCode, headers: answer.headers, body: answer.json() };
};
const tikwm = async (query: Record<string, string>, on = app) =>
  (await on.server.inject({ url: '/api/', query })).json();

const STREAM = /^https:\/\/dl\.example\/x\/stream\?data=.{20,260}$/;
const DOWNLOAD = /^https:\/\/dl\.example\/x\/download\?data=.{20,260}$/;
const stream = expect.stringMatching(STREAM);
const download = expect.stringMatching(DOWNLOAD);

const MP4 = `video_${id}.mp4`;
const video = { status: 'tunnel', url: stream, filename: MP4 };
const mp3 = { status: 'tunnel', url: download };
const failed = (code: string, context?: object) => ({
  status: 'error',
  error: { code: `error.api.${code}`, ...(context && { context }) },
});
const processed = (type: string, tunnel: unknown[], more = {}) => ({
  status: 'local-processing',
  type,
  service: 'tiktok',
  tunnel,
  output: { type: 'video/mp4', filename: MP4, ...more },
});

describe('cobalt', () => {
  it.each<[name: string, options: object, answer: object]>([
    ['video', {}, video],
    ['video', { allowH265: true, audioFormat: 'opus', videoQuality: 'max', unknown: 1 }, video],
    ['video', { downloadMode: 'audio' }, { ...mp3, filename: `video_${id}.mp3` }],
    ['photos', { downloadMode: 'audio', audioFormat: 'best' }, { ...mp3, filename: `photos_${id}.mp3` }],
    ['video', { downloadMode: 'audio', audioFormat: 'opus' }, failed('service.audio_not_supported')],
    ['silent', { downloadMode: 'audio' }, failed('fetch.empty')],
    ['video', { downloadMode: 'mute' }, failed('fetch.empty')],
    ['video', { downloadMode: 'mute', localProcessing: 'preferred' }, processed('mute', [stream])],
    ['silent', { downloadMode: 'mute' }, { ...video, filename: `silent_${id}.mp4` }],
    ['silent', {}, failed('fetch.empty')],
    ['nothing', {}, failed('fetch.empty')],
    ['nothing', { downloadMode: 'mute', localProcessing: true }, failed('fetch.empty')],
    ['video', { subtitleLang: 'en' }, video],
    [
      'video',
      { subtitleLang: 'en', localProcessing: true },
      processed('remux', [stream, download], { subtitles: true }),
    ],
    ['video', { subtitleLang: 'de', localProcessing: 'forced' }, video],
    ['video', { subtitleLang: '_!', localProcessing: 'forced' }, video],
    [
      'photos',
      {},
      {
        status: 'picker',
        picker: [
          { type: 'photo', url: download },
          { type: 'photo', url: download },
          { type: 'video', url: download },
        ],
        audio: download,
        audioFilename: `photos_${id}.mp3`,
      },
    ],
    ['quiet', {}, { status: 'picker', picker: [{ type: 'photo', url: download }] }],
  ])('answers %s with %j', async (name, options, answer) => {
    const { status, headers, body } = await cobalt({ url: link(name), ...options });
    expect(body).toEqual(answer);
    expect([status, headers['cache-control']]).toEqual(['error' in answer ? 400 : 200, 'no-store']);
  });

  it('leads to the largest picture where H.265 is allowed, and else to the best H.264', async () => {
    const renditionOf = async (options: object) => {
      const { body } = await cobalt({ url: link('video'), ...options });
      return opener.openLink('stream', new URL(body.url).searchParams.get('data') ?? '').asset;
    };
    expect(await renditionOf({})).toEqual({ kind: 'video', rendition: h264.id });
    expect(await renditionOf({ allowH265: true })).toEqual({ kind: 'video', rendition: h265.id });
  });

  it.each<[code: ErrorCode, theirs: string, context?: object]>([
    ['post_not_found', 'content.post.unavailable'],
    ['post_private', 'content.post.private'],
    ['login_required', 'content.post.age'],
    ['region_blocked', 'content.region'],
    ['ip_blocked', 'fetch.rate', { service: 'tiktok' }],
    ['upstream_failed', 'fetch.fail', { service: 'tiktok' }],
    ['extractor_outdated', 'fetch.fail', { service: 'tiktok' }],
    ['timeout', 'timed_out'],
    ['busy', 'capacity'],
    ['internal', 'generic'],
  ])('answers %s as %s', async (code, theirs, context) => {
    const { status, headers, body } = await cobalt({ url: link(code) });
    expect([status, body]).toEqual([ERRORS[code].status, failed(theirs, context)]);
    expect(headers['retry-after']).toBe(ERRORS[code].retryable ? '3' : undefined);
  });

  it.each<[about: string, payload: unknown, theirs: string]>([
    ['another site', { url: 'https://example.com/' }, 'link.invalid'],
    ['a profile', { url: 'https://www.tiktok.com/@user' }, 'link.invalid'],
    ['nothing', {}, 'invalid_body'],
    ['an empty link', { url: '' }, 'invalid_body'],
    ['a list of links', { url: [link('video')] }, 'invalid_body'],
    ['an unknown mode', { url: link('video'), downloadMode: 'both' }, 'invalid_body'],
    ['a word for a boolean', { url: link('video'), allowH265: 'yes' }, 'invalid_body'],
    ['a list', [], 'invalid_body'],
    ['junk', 'junk', 'invalid_body'],
    ['a megabyte', { url: 'x'.repeat(1_000_000) }, 'invalid_body'],
  ])('answers 400 to %s', async (_, payload, theirs) => {
    const { status, body } = await cobalt(payload);
    expect([status, body]).toEqual([400, failed(theirs)]);
  });

  it('tells of the instance, and shows a browser the page', async () => {
    const own = await buildTestApp({ DIALECTS: 'cobalt', WEB_PAGE: 'true', DISABLE: 'douyin' });
    try {
      const get = (accept: string, method: 'GET' | 'HEAD' = 'GET') =>
        own.server.inject({ method, url: '/', headers: { accept } });
      const { json } = await get('application/json');
      expect(json().cobalt).toEqual({
        version: expect.stringMatching(/^11\./),
        url: 'http://service.test/',
        startTime: expect.stringMatching(/^\d{13}$/),
        services: ['tiktok'],
      });
      expect(Object.keys(json().git)).toEqual(['commit', 'branch', 'remote']);
      for (const accept of ['application/json, text/plain, */*', '*/*', '']) {
        expect((await get(accept)).json().cobalt).toBeDefined();
      }
      for (const accept of ['text/html,application/xhtml+xml', 'application/json, text/html']) {
        const page = await get(accept);
        expect([accept, page.headers['content-type']]).toEqual([accept, 'text/html; charset=utf-8']);
      }
      expect((await get('application/json', 'HEAD')).statusCode).toBe(200);
    } finally {
      await own.close();
    }
    expect((await app.server.inject('/')).json().cobalt.url).toBe('https://dl.example/x/');
  });
});

describe('tikwm', () => {
  it('answers with a video', async () => {
    const { code, msg, processed_time, data } = await tikwm({ url: link('video'), hd: '1' });
    expect([code, msg, typeof processed_time]).toEqual([0, 'success', 'number']);
    expect(data).toEqual({
      id,
      region: '',
      title: 'A title',
      cover: download,
      origin_cover: download,
      duration: 12,
      play: stream,
      wmplay: stream,
      hdplay: stream,
      size: 1_000_000,
      wm_size: 3,
      hd_size: 9,
      music: download,
      music_info: {
        id: '',
        title: 'A song',
        play: download,
        cover: SOUND.cover,
        author: 'A singer',
        original: false,
        duration: 17,
        album: 'An album',
      },
      play_count: 1,
      digg_count: 2,
      comment_count: 3,
      share_count: 4,
      download_count: 0,
      collect_count: 5,
      create_time: 1_763_798_400,
      author: { id: '', unique_id: 'someone', nickname: 'Some One', avatar: download },
    });
  });

  it('answers with photos as it does: no duration, no size, and the music in `play`', async () => {
    const { data } = await tikwm({ url: link('photos') });
    expect(data).toMatchObject({ images: [download, download], duration: 0, size: 0, play: data.music });
    expect(data.hdplay).toBeUndefined();
    expect((await tikwm({ url: link('quiet') })).data).toMatchObject({
      play: '',
      music: '',
      images: [download],
    });
  });

  it('leaves out its address with web=1, but for images', async () => {
    const { data } = await tikwm({ url: link('video'), web: '1', hd: '1' });
    for (const part of [data.play, data.hdplay, data.wmplay, data.music, data.cover, data.author.avatar]) {
      expect(part).toMatch(/^\/(stream|download)\?data=/);
    }
    expect((await tikwm({ url: link('photos'), web: '1' })).data.images).toEqual([download, download]);
  });

  it.each<[about: string, request: object]>([
    [
      'a form',
      {
        payload: `url=${encodeURIComponent(link('video'))}&hd=1`,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      },
    ],
    ['JSON', { payload: { url: link('video'), count: 12, cursor: 0, web: 0, hd: 1 } }],
    ['a query beside an empty body', { query: { url: link('video'), hd: '1' }, payload: {} }],
    ['a query without a body', { query: { url: link('video'), hd: '1' } }],
  ])('takes a POST with %s, with and without the last slash', async (_, request) => {
    for (const url of ['/api/', '/api']) {
      const { statusCode, json } = await app.server.inject({ method: 'POST', url, ...request });
      expect([statusCode, json().code]).toEqual([200, 0]);
      expect(json().data.hdplay).toMatch(STREAM);
    }
  });

  it.each([id, encodeURIComponent(link('video')), `Look: ${link('video')} !`])('takes %s', async (url) => {
    const { code, data } = await tikwm({ url });
    expect([code, data?.id]).toEqual([0, id]);
  });

  it('takes its links with one slash more before them', async () => {
    expect((await app.server.inject('//stream?data=x')).json().code).toBe('link_invalid');
  });

  it.each<[name: string, message: RegExp]>([
    ['post_not_found', /^Url parsing is failed! This post does not exist/],
    ['post_private', /^This post or its account is private/],
    ['busy', /busy/],
    ['internal', /^Something went wrong/],
  ])('answers %s with -1 and words', async (name, message) => {
    const answer = await app.server.inject({ url: '/api/', query: { url: link(name) } });
    expect([answer.statusCode, answer.headers['cache-control']]).toEqual([200, 'no-store']);
    expect(answer.json()).toEqual({
      code: -1,
      msg: expect.stringMatching(message),
      processed_time: expect.any(Number),
    });
  });

  it.each<[about: string, request: object]>([
    ['nothing', {}],
    ['another site', { query: { url: 'https://example.com/' } }],
    ['a list', { payload: [] }],
    ['a link that is none', { payload: { url: { a: 1 } } }],
    ['junk', { payload: '{"url":', headers: { 'content-type': 'application/json' } }],
    ['an unknown type', { payload: 'x', headers: { 'content-type': 'text/plain' } }],
    ['a megabyte', { payload: { url: 'x'.repeat(1_000_000) } }],
  ])('answers %s with -1', async (_, request) => {
    const { statusCode, json } = await app.server.inject({ method: 'POST', url: '/api/', ...request });
    expect([statusCode, json().code]).toEqual([200, -1]);
    expect(json().msg).toMatch(/^Url parsing is failed!/);
  });
});

describe('DIALECTS', () => {
  it('is off by default', async () => {
    const own = await buildTestApp();
    const asked = [
      { method: 'POST', url: '/' },
      { method: 'GET', url: '/' },
      { method: 'POST', url: '/api/' },
      { method: 'GET', url: '/api/' },
    ] as const;
    for (const one of asked) expect((await own.server.inject(one)).statusCode).toBe(404);
    await own.close();
  });

  it('shares one count of requests', async () => {
    const own = await buildTestApp({ DIALECTS: 'cobalt,tikwm', RATE_LIMIT_MAX: '3' }, { extractor });
    await own.post(link('video'));
    expect((await cobalt({ url: link('video') }, own)).headers['ratelimit-remaining']).toBe('1');
    expect((await tikwm({ url: link('video') }, own)).code).toBe(0);
    expect((await own.post(link('video'))).status).toBe(429);
    const { status, headers, body } = await cobalt({ url: link('video') }, own);
    expect([status, body.error.code]).toEqual([429, 'error.api.rate_exceeded']);
    expect(body.error.context.limit).toBe(Number(headers['retry-after']));
    expect((await tikwm({ url: link('video') }, own)).msg).toMatch(/^Free Api Limit/);
    await own.close();
  });

  it('says in each dialect that a key is wanted, and takes one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'keys-'));
    const path = join(folder, 'keys.json');
    writeFileSync(path, JSON.stringify({ bot: { sha256: hashKey('key-of-a-bot') } }));
    const env = { DIALECTS: 'cobalt,tikwm', API_KEYS_PATH: path, REQUIRE_KEY: 'true' };
    const own = await buildTestApp(env, { extractor });
    const keyed = (key: string) => ({ ...ACCEPT, authorization: `Api-Key ${key}` });
    const video = { url: link('video') };
    const missing = await cobalt(video, own);
    expect([missing.status, missing.body]).toEqual([401, failed('auth.key.missing')]);
    expect(missing.headers['www-authenticate']).toBe('Api-Key');
    expect((await cobalt(video, own, keyed('wrong'))).body).toEqual(failed('auth.key.invalid'));
    expect((await cobalt(video, own, keyed('key-of-a-bot'))).status).toBe(200);
    expect((await tikwm(video, own)).msg).toMatch(/API key/);
    await own.close();
    rmSync(folder, { recursive: true });
  });
});
