import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Post, Rendition } from '../../src/posts/post.ts';
import { somePost } from '../cache/sample-post.ts';
import { buildTestApp, fakeExtractor, postOf, type TestApp } from '../helpers/app.ts';

const ID = '7400000000000004242';
const VIDEO = `https://www.tiktok.com/@user/video/${ID}`;
const sample = somePost(ID);
const photo = { width: 1, height: 1, urls: ['https://p16-sign.tiktokcdn-us.com/1'], live: null };
const PHOTOS: Partial<Post> = {
  kind: 'photo',
  renditions: [],
  photos: [photo, photo],
  sound: {
    title: '',
    author: '',
    album: '',
    durationMs: 1,
    cover: null,
    urls: ['https://sf16-ies-music.tiktokcdn.com/1.mp3'],
  },
};
const rendition = (id: string, size: number) => ({ ...(sample.renditions[0] as Rendition), id, size });
const dir = mkdtempSync(join(tmpdir(), 'rules-'));
const list = join(dir, 'blocked.txt');

let app: TestApp;

async function start(env: Record<string, string>, changes: Partial<Post> = {}): Promise<void> {
  const extractor = fakeExtractor(async (link) => postOf(link, changes));
  app = await buildTestApp({ RATE_LIMIT_MAX: '0', TRUST_PROXY: '127.0.0.1', ...env }, { extractor });
}

async function startWithList(entries: string, changes?: Partial<Post>): Promise<void> {
  writeFileSync(list, entries);
  await start({ BLOCKLIST_PATH: list }, changes);
}

const ask = async (url = VIDEO, headers: Record<string, string> = {}) => {
  const { status, body } = await app.post(url, headers);
  return status === 200 ? 200 : [status, body.code];
};

/** Status and code of the response to a link of the service. */
const follow = async (link: unknown) => {
  const { statusCode, json } = await app.server.inject({
    url: String(link).replace('http://service.test', ''),
  });
  return [statusCode, json().code];
};

afterEach(() => {
  rmSync(list, { force: true });
  return app?.close();
});

const BLOCKED = [403, 'not_allowed'];

describe('BLOCKLIST_PATH', () => {
  it.each([
    ['the id of a post', ID],
    ['a link to a post', VIDEO],
    ['an @name in other letters', '# a notice of 3 May\n@SomeOne # both platforms'],
  ])('blocks %s, and links that were made before', async (_, entry) => {
    await startWithList('');
    const { body } = await app.post(VIDEO);
    writeFileSync(list, `\n${entry}\n`);
    await expect.poll(() => ask(), { timeout: 5000 }).toEqual(BLOCKED);
    expect(await follow(body.download_link?.no_watermark)).toEqual(BLOCKED);
    expect(await follow(body.download_link?.mp3)).toEqual(BLOCKED);
  });

  it('blocks an author whom the link does not name', async () => {
    await startWithList('@someone');
    expect(await ask(`https://www.tiktok.com/@_/video/${ID}`)).toEqual(BLOCKED);
  });

  it('blocks client networks, and no other client', async () => {
    await startWithList('203.0.113.0/24\n2001:db8::/32\n198.51.100.7');
    const from = (ip: string) => ask(VIDEO, { 'x-forwarded-for': ip });
    expect(await from('203.0.113.77')).toEqual(BLOCKED);
    expect(await from('2001:db8:1::1')).toEqual(BLOCKED);
    expect(await from('198.51.100.7')).toEqual(BLOCKED);
    expect(await from('198.51.100.8')).toBe(200);
  });

  it('keeps the last good list where a change is wrong, and logs the line', async () => {
    await startWithList(ID);
    writeFileSync(list, `${ID}\nno entry`);
    await expect
      .poll(() => app.log.map(({ problem }) => problem), { timeout: 5000 })
      .toContainEqual(expect.stringContaining('line 2'));
    expect(await ask()).toEqual(BLOCKED);
  });

  it('stops the start where the file is missing or wrong', async () => {
    await expect(start({ BLOCKLIST_PATH: join(dir, 'none') })).rejects.toThrow(/BLOCKLIST_PATH/);
    await expect(startWithList('https://example.com/')).rejects.toThrow(/BLOCKLIST_PATH.*line 1/);
  });
});

describe('DISABLE', () => {
  it('leaves MP3s, slideshows and zips out, and rejects links to them', async () => {
    await start({}, PHOTOS);
    const { download_link, download_slideshow_link } = (await app.post(VIDEO)).body;
    const links = [download_link?.mp3, download_link?.zip, download_slideshow_link];
    await app.close();
    await start({ DISABLE: 'mp3, zip,slideshow' }, PHOTOS);
    const { body } = await app.post(VIDEO);
    expect(Object.keys(body.download_link ?? {})).toEqual(['no_watermark']);
    expect(body).not.toHaveProperty('download_slideshow_link');
    for (const link of links) expect(await follow(link)).toEqual(BLOCKED);
  });

  it('rejects Douyin posts', async () => {
    await start({ DISABLE: 'douyin' });
    expect(await ask('https://www.douyin.com/video/7400000000000004242')).toEqual(BLOCKED);
    expect(await ask()).toBe(200);
  });

  it('stops the start with a word that it does not know', async () => {
    await expect(start({ DISABLE: 'mp4' })).rejects.toThrow(/DISABLE must be/);
  });
});

describe('bounds', () => {
  it('reject a video that is longer than MAX_VIDEO_MINUTES', async () => {
    await start({ MAX_VIDEO_MINUTES: '2' }, { durationMs: 120_001 });
    expect(await ask()).toEqual(BLOCKED);
  });

  it('offer the renditions of at most MAX_FILE_MB, and reject a video without one', async () => {
    const large = rendition('large', 2_000_001);
    const small = rendition('small', 2_000_000);
    await start({ MAX_FILE_MB: '2' }, { renditions: [large, small] });
    expect((await app.post(VIDEO)).body.formats).toMatchObject([{ id: 'small' }]);
    await app.close();
    await start({ MAX_FILE_MB: '2' }, { renditions: [large] });
    expect(await ask()).toEqual(BLOCKED);
  });
});
