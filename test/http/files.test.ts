import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Post } from '../../src/posts/post.ts';
import type { PostLink } from '../../src/posts/url.ts';
import { serve, Upstream } from '../cdn/fake-cdn.ts';
import { buildTestApp, fakeExtractor, postOf, type TestApp } from '../helpers/app.ts';
import { quarters } from '../slideshow/media.ts';

/** Files in other forms and under other names, over HTTP. */

const TITLE = 'Con/trast: 小明 👨‍👩‍👧‍👦';
const PHOTO_POST = 'https://www.tiktok.com/@someone/photo/7400000000000000003';
const CAPTION = JSON.stringify({ utterances: [{ start_time: 7, end_time: 1800, text: 'Hello' }] });

let upstream: Upstream;
let dir: string;
let apps: TestApp[];
let extractions = 0;
let damaged = false;

/** The host tells the files apart, for each one is a script of the CDN. */
function found(link: PostLink): Post {
  extractions += 1;
  const at = (host: string) => [`https://${host}.tiktokcdn.com/file`];
  return postOf(link, {
    kind: 'photo',
    title: TITLE,
    renditions: [],
    photos: ['webp', 'turned', damaged ? 'damaged' : 'png'].map((name) => ({
      width: 240,
      height: 160,
      urls: at(name),
      live: null,
    })),
    subtitles: [{ language: 'eng-US', source: 'LC', urls: at('caption') }],
  });
}

async function start(env: Record<string, string>): Promise<TestApp> {
  const settings = {
    PROXY_URLS: upstream.proxy,
    EXTRA_CA_CERTS: join(dir, 'ca.pem'),
    RATE_LIMIT_MAX: '0',
    CACHE_TTL: '0',
    ...env,
  };
  return buildTestApp(settings, { extractor: fakeExtractor(async (link) => found(link)) });
}

let app: TestApp;
let titled: TestApp;

beforeAll(async () => {
  upstream = await Upstream.start();
  dir = mkdtempSync(join(tmpdir(), 'files-'));
  writeFileSync(join(dir, 'ca.pem'), upstream.authority.caPem);
  app = await start({});
  titled = await start({ FILENAME_TEMPLATE: '{date} {title}' });
  apps = [app, titled];
  const webp = await quarters(240, 160).webp().toBuffer();
  upstream.script('webp.tiktokcdn.com', serve(webp));
  const turned = await quarters(240, 160).withMetadata({ orientation: 6 }).jpeg().toBuffer();
  upstream.script('turned.tiktokcdn.com', serve(turned));
  upstream.script('png.tiktokcdn.com', serve(await quarters(240, 160).png().toBuffer()));
  upstream.script('damaged.tiktokcdn.com', serve(webp.subarray(0, webp.length - 50)));
  upstream.script('caption.tiktokcdn.com', serve(Buffer.from(CAPTION)));
});
afterAll(async () => {
  for (const one of apps) await one.close();
  await upstream.stop();
  rmSync(dir, { recursive: true });
});
beforeEach(() => {
  damaged = false;
});

interface Files {
  photos: { link: string }[];
  subtitles: { link: string }[];
  download_link: { zip: string };
}

async function linksOf(from: TestApp = app): Promise<Files> {
  return (await from.post(PHOTO_POST)).body as unknown as Files;
}

type Headers = Record<string, string>;

async function ask(link: string, { method = 'GET', from = app, headers = {} as Headers } = {}) {
  const url = link.replace('http://service.test', '');
  return from.server.inject({ method: method as 'GET', url, headers });
}

const fileNameOf = (headers: Record<string, unknown>) => decodeURIComponent(String(headers['x-filename']));

function namesInZip(zip: Buffer): string[] {
  const list =
    'import io, sys, zipfile; z = zipfile.ZipFile(io.BytesIO(sys.stdin.buffer.read())); print(z.testzip(), *z.namelist(), sep="\\n")';
  const printed = execFileSync('python3', ['-c', list], { input: zip, encoding: 'utf8' });
  return printed.trim().split('\n');
}

describe('a photo', () => {
  it('is a JPEG with as=jpg, with HEAD, range and ETag as other files have', async () => {
    const { photos } = await linksOf();
    const link = `${photos[0]?.link}&as=jpg`;
    const head = await ask(link, { method: 'HEAD' });
    const whole = await ask(link);
    expect([whole.statusCode, whole.headers['content-type']]).toEqual([200, 'image/jpeg']);
    expect(head.headers['content-length']).toBe(String(whole.rawPayload.length));
    expect(fileNameOf(whole.headers)).toBe('someone_7400000000000000003_01.jpg');
    const etag = String(whole.headers.etag);
    const part = await ask(link, { headers: { range: 'bytes=10-19', 'if-range': etag } });
    expect([part.statusCode, part.rawPayload]).toEqual([206, whole.rawPayload.subarray(10, 20)]);
    expect((await ask(link, { headers: { 'if-none-match': etag } })).statusCode).toBe(304);
    const original = await ask(String(photos[0]?.link));
    expect(original.headers['content-type']).toBe('image/webp');
  });

  it.each(['160', '320', '640'])('is small with width=%s', async (width) => {
    const { photos } = await linksOf();
    const { rawPayload, headers } = await ask(`${photos[1]?.link}&width=${width}`);
    expect(headers['content-type']).toBe('image/jpeg');
    expect(await sharp(rawPayload).metadata()).toMatchObject({ width: 160, height: 240 });
  });

  it('that is damaged is refused in words', async () => {
    damaged = true;
    const { photos } = await linksOf();
    const refused = await ask(`${photos[2]?.link}&width=160`);
    expect([refused.statusCode, refused.json()]).toMatchObject([
      500,
      { code: 'render_failed', error: expect.stringContaining('cannot be converted') },
    ]);
  });
});

describe('a zip with as=jpg', () => {
  it('has JPEGs, the announced length and an ETag; HEAD makes none and tells no length', async () => {
    const other = await start({});
    apps.push(other);
    const zip = `${(await linksOf(other)).download_link.zip}&as=jpg`;
    const head = await ask(zip, { method: 'HEAD', from: other });
    expect([head.statusCode, head.headers['content-type']]).toEqual([200, 'application/zip']);
    expect(head.headers).not.toHaveProperty('content-length');
    expect(head.headers).not.toHaveProperty('etag');
    const metrics = async () => (await other.server.inject('/metrics')).body;
    expect(await metrics()).not.toMatch(/render_duration_seconds_count\{kind="picture"/);
    const whole = await ask(zip, { from: other });
    expect(whole.headers['content-length']).toBe(String(whole.rawPayload.length));
    const id = '7400000000000000003';
    expect(namesInZip(whole.rawPayload)).toEqual([
      'None',
      `someone_${id}_01.jpg`,
      `someone_${id}_02.jpg`,
      `someone_${id}_03.jpg`,
    ]);
    const again = await ask(zip, { from: other });
    expect([again.rawPayload.equals(whole.rawPayload), again.headers.etag]).toEqual([
      true,
      whole.headers.etag,
    ]);
    expect(await metrics()).toMatch(/render_duration_seconds_count\{kind="picture",outcome="ok"\} 3/);
    const photo = await ask(`${(await linksOf(other)).photos[1]?.link}&as=jpg`, { from: other });
    expect(whole.rawPayload.includes(photo.rawPayload)).toBe(true);
  });

  it('fails as a whole, before its first byte, where one photo is damaged', async () => {
    damaged = true;
    const zip = `${(await linksOf()).download_link.zip}&as=jpg`;
    const refused = await ask(zip);
    expect([refused.statusCode, refused.json().code]).toEqual([500, 'render_failed']);
  });
});

describe('a subtitle', () => {
  it.each([
    ['', 'text/vtt; charset=utf-8', 'vtt', 'WEBVTT\n\n00:00:00.007 --> 00:00:01.800\nHello\n'],
    ['&as=srt', 'application/x-subrip; charset=utf-8', 'srt', '1\n00:00:00,007 --> 00:00:01,800\nHello\n'],
    ['&as=txt', 'text/plain; charset=utf-8', 'txt', 'Hello\n'],
  ])('%s is %s', async (query, type, ending, text) => {
    const { subtitles } = await linksOf();
    const { headers, body } = await ask(`${subtitles[0]?.link}${query}`);
    expect([headers['content-type'], body]).toEqual([type, text]);
    expect(fileNameOf(headers)).toBe(`someone_7400000000000000003.${ending}`);
    const head = await ask(`${subtitles[0]?.link}${query}`, { method: 'HEAD' });
    expect([head.headers['content-length'], head.headers.etag]).toEqual([String(text.length), headers.etag]);
  });
});

it.each([
  ['photo', 'as=png', 'as'],
  ['photo', 'as=srt', 'as'],
  ['photo', 'width=161', 'width'],
  ['photo', 'width=99999', 'width'],
  ['photo', 'width=160&width=320', 'width'],
  ['photo', 'as=jpg&width=160', 'width'],
  ['zip', 'width=160', 'width'],
  ['zip', 'as=txt', 'as'],
  ['subtitle', 'as=jpg', 'as'],
  ['subtitle', 'as=vtt', 'as'],
])('a %s with %s is invalid_request, and says so of %s', async (kind, query, field) => {
  const { photos, subtitles, download_link } = await linksOf();
  const links: Record<string, string | undefined> = {
    photo: photos[0]?.link,
    subtitle: subtitles[0]?.link,
    zip: download_link.zip,
  };
  const refused = await ask(`${links[kind]}&${query}`);
  expect([refused.statusCode, refused.json().code]).toEqual([400, 'invalid_request']);
  expect(refused.json().error).toContain(field);
});

describe('FILENAME_TEMPLATE', () => {
  const name = '2025-11-22 Con trast 小明 👨‍👩‍👧‍👦';

  it('names files by the title in the link, without another extraction', async () => {
    const { photos, subtitles, download_link } = await linksOf(titled);
    const before = extractions;
    const photo = await ask(`${photos[1]?.link}&name=evil.exe&filename=evil.exe`, { from: titled });
    expect(fileNameOf(photo.headers)).toBe(`${name}_02.jpg`);
    expect(photo.headers['content-disposition']).toMatch(
      /^attachment; filename="2025-11-22 Con trast_02.jpg"; filename\*=UTF-8''2025-11-22%20Con/,
    );
    expect(fileNameOf((await ask(String(subtitles[0]?.link), { from: titled })).headers)).toBe(`${name}.vtt`);
    expect(extractions).toBe(before);
    const zip = await ask(download_link.zip, { from: titled });
    expect(fileNameOf(zip.headers)).toBe(`${name}.zip`);
    expect(namesInZip(zip.rawPayload)).toEqual([
      'None',
      `${name}_01.webp`,
      `${name}_02.jpg`,
      `${name}_03.png`,
    ]);
  });

  it('names a file by the title of the post where the link has none', async () => {
    const { photos } = await linksOf();
    const photo = await ask(String(photos[0]?.link), { from: titled });
    expect(fileNameOf(photo.headers)).toBe(`${name}_01.webp`);
  });
});
