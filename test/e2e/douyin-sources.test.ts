import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { download } from '../helpers/download.ts';
import { type Service, startService } from '../helpers/service.ts';
import {
  filteredPost,
  photoPost,
  type RefusalKind,
  type Source,
  type Standin,
  type StandinPost,
  startStandin,
  videoPost,
} from '../helpers/standin/index.ts';
import { frameSums } from '../slideshow/media.ts';

let standin: Standin;
let service: Service;

beforeAll(async () => {
  standin = await startStandin({ settings: { sharePaceMs: 500 } });
});

afterAll(() => standin?.close());

// Each test gets a service of its own: breakers and ttwids are state of the service.
beforeEach(async () => {
  standin.journal.clear();
  service = await startService(standin, { MAX_WORKERS: '4', CACHE_TTL: '0' });
});

afterEach(async () => {
  standin.refusals.clear();
  await service?.stop();
});

const douyin = (options: Parameters<typeof videoPost>[0] = {}) =>
  standin.posts.add(videoPost({ ...options, platform: 'douyin' }));
const refuse = (source: Source | Source[], kind: RefusalKind = '403') =>
  standin.refusals.add({ source, kind });
const asked = (post: StandinPost) => standin.journal.sources({ post });

async function get(post: StandinPost) {
  const { status, body } = await service.post(post.url);
  return { status, body, source: body.source, code: body.code };
}

/** Names in an archive, as Python's zipfile reads it. */
function namesInZip(zip: Buffer): string[] {
  const list =
    'import io, sys, zipfile; print("\\n".join(zipfile.ZipFile(io.BytesIO(sys.stdin.buffer.read())).namelist()))';
  return execFileSync('python3', ['-c', list], { input: zip, encoding: 'utf8' }).trim().split('\n');
}

describe('Douyin without cookies', () => {
  it('gets a video from the detail API with one request, and its files are whole', async () => {
    const post = douyin();
    const { status, body, source } = await get(post);
    expect([status, source]).toEqual([200, 'detail']);
    expect(asked(post)).toEqual(['douyin-detail']);
    const file = await download(String(body.download_link?.no_watermark));
    expect([file.status, file.whole, file.headers.get('content-type')]).toEqual([200, true, 'video/mp4']);
  });

  it('gets a photo post with its clips', async () => {
    const post = standin.posts.add(
      photoPost({ platform: 'douyin', photos: ['portrait_1', 'portrait_2'], live: [0] }),
    );
    const { body } = await get(post);
    const photos = body.photos as { link: string; live?: { link: string; duration: number } }[];
    expect(photos.map(({ live }) => live !== undefined)).toEqual([true, false]);
    const clip = await download(String(photos[0]?.live?.link));
    expect([clip.status, clip.whole, clip.headers.get('content-type')]).toEqual([200, true, 'video/mp4']);
    expect(clip.headers.get('x-filename')).toMatch(/_01\.mp4$/);
    const zip = Buffer.from(await (await fetch(String(body.download_link?.zip))).arrayBuffer());
    const names = namesInZip(zip);
    expect(names.map((name) => name.slice(-6))).toEqual(['01.jpg', '01.mp4', '02.jpg']);
  });

  it.each([
    ['plays the clip in the slideshow', false],
    ['keeps the still in the slideshow where the CDN refuses the clip', true],
  ])(
    '%s',
    async (_, refused) => {
      const post = standin.posts.add(
        photoPost({ platform: 'douyin', photos: ['portrait_1', 'portrait_2'], live: [0] }),
      );
      if (refused) standin.faults.add({ post, part: 'live' }, { kind: 'status', status: 403 });
      const { body } = await get(post);
      const slideshow = await fetch(String(body.download_slideshow_link));
      expect(slideshow.status).toBe(200);
      const path = join(mkdtempSync(join(tmpdir(), 'live-')), 'slideshow.mp4');
      writeFileSync(path, Buffer.from(await slideshow.arrayBuffer()));
      const sums = await frameSums(path);
      const [first, second] = [new Set(sums.slice(0, 100)), new Set(sums.slice(100))];
      expect(first.size > 20).toBe(!refused);
      expect(second.size).toBe(1);
      rmSync(dirname(path), { recursive: true });
    },
    60_000,
  );

  it.each([
    ['status_deleted', 'post_not_found'],
    ['core_dep', 'post_not_found'],
    ['status_self_see', 'post_private'],
  ])('takes a filter reason for final: %s', async (reason, code) => {
    const post = standin.posts.add(filteredPost(reason));
    expect((await get(post)).code).toBe(code);
    expect(asked(post)).toEqual(['douyin-detail']);
  });

  it('never links a silent DASH track', async () => {
    const post = douyin({ renditions: ['h264_720p', 'h264_1080p_dash', 'bytevc1_1080p_dash'] });
    const { body } = await get(post);
    const formats = body.formats as { has_audio: boolean; link: string }[];
    const hd = formats.find(({ link }) => link === body.download_link?.no_watermark_hd);
    expect(hd?.has_audio).toBe(true);
  });

  it('registers one ttwid for a hundred posts where the detail API is closed to its Origin', async () => {
    refuse('douyin-detail', 'empty-200');
    const posts = Array.from({ length: 100 }, () => douyin());
    const answers = await Promise.all(posts.map(get));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(standin.journal.asked({ source: 'ttwid' })).toHaveLength(1);
    const ttwid = standin.journal.asked({ source: 'douyin-ttwid' })[0]?.cookies.ttwid ?? '';
    expect(ttwid).not.toBe('');
    expect(JSON.stringify([service.log, answers])).not.toContain(ttwid);
  });

  it('goes on to the album API and the share page where the detail API refuses this address', async () => {
    refuse(['douyin-detail', 'douyin-ttwid'], 'argus');
    const album = douyin();
    expect((await get(album)).source).toBe('slides');
    refuse('douyin-slides', 'empty-200');
    const shared = douyin();
    const { body, source } = await get(shared);
    expect(source).toBe('share');
    const file = await download(String(body.download_link?.no_watermark));
    expect([file.status, file.whole]).toEqual([200, true]);
  });

  it('is ip_blocked, in words that name Douyin, where everything refuses', async () => {
    refuse(
      ['douyin-detail', 'douyin-ttwid', 'douyin-slides', 'douyin-share', 'douyin-feed', 'douyin-cookies'],
      'argus',
    );
    const { code, body } = await get(douyin());
    expect(code).toBe('ip_blocked');
    expect(String(body.error)).toMatch(/Douyin/);
    expect(String(body.error)).not.toMatch(/TikTok/);
  });
});
