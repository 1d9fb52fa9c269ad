import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ERRORS, type ErrorCode } from '../../src/errors.ts';
import { solvesChallenge } from '../helpers/engine.ts';
import { until } from '../helpers/processes.ts';
import { type Service, startService } from '../helpers/service.ts';
import { SCENARIOS, type Standin, startStandin } from '../helpers/standin/index.ts';

let standin: Standin;
let service: Service;

beforeAll(async () => {
  standin = await startStandin();
  service = await startService(standin, { YTDLP_TIMEOUT: '4', MAX_WORKERS: '4' });
});

afterAll(async () => {
  await service.stop();
  await standin.close();
});

const tiktok = SCENARIOS.filter(({ url }) => !url.includes('douyin.com'));
const readable = tiktok.filter(({ name }) => solvesChallenge || !name.includes('challenge'));

describe('every kind of post and of failure', () => {
  it.for(readable)('answers $name as $expect', async ({ url, expect: expected }) => {
    const { status, body } = await service.post(url);
    if (expected === 'video' || expected === 'photo') {
      expect(body.code).toBeUndefined();
      expect(status).toBe(200);
      expect(body.status).toBe(expected === 'photo' ? 'picker' : 'tunnel');
    } else {
      expect(body.code).toBe(expected);
      const kind = ERRORS[expected as ErrorCode];
      expect(status).toBe(kind.status);
      expect(body.retryable).toBe(kind.retryable);
      expect(body.error).toBeTypeOf('string');
      expect(body.request_id).toBeTypeOf('string');
    }
  });
});

describe('every form of a link', () => {
  const post = tiktok.find(({ name }) => name === 'video');
  const id = post?.url.split('/').at(-1) ?? '';

  it.each([
    `https://www.tiktok.com/@standin/video/${id}`,
    `http://m.tiktok.com/@standin/video/${id}?is_from_webapp=1&sender_device=pc`,
    `https://tiktok.com/@standin/photo/${id}`,
    `https://www.tiktok.com/@/video/${id}`,
    `https://www.tiktok.com/video/${id}`,
    `https://m.tiktok.com/v/${id}.html`,
    `https://www.tiktok.com/embed/${id}`,
    `https://www.tiktok.com/embed/v2/${id}`,
    `https://www.tiktok.com/share/video/${id}/`,
    `https://www.tiktokv.com/share/video/${id}/`,
    `Look at this! https://www.tiktok.com/@standin/video/${id}?_r=1&_t=ZT, it is great`,
  ])('leads to the post: %s', async (url) => {
    const { body } = await service.post(url);
    expect(body.id).toBe(id);
  });

  it.each([405, 501])('resolves a short link by GET where HEAD is answered with %i', async (status) => {
    const url = `https://vm.tiktok.com/ZG74${status}00000000000002/`;
    standin.faults.add({ part: 'short', method: 'HEAD' }, { kind: 'status', status }, { times: 1 });
    const { body } = await service.post(url);
    expect(body.id).toBe(url.match(/\d+/)?.[0]);
  });
});

describe('the response', () => {
  it('has the documented fields of a video, in order', async () => {
    const post = standin.posts.get(
      tiktok
        .find(({ name }) => name === 'video')
        ?.url.split('/')
        .at(-1) ?? '',
    );
    const { body } = await service.post(`https://www.tiktok.com/@standin/video/${post?.id}`);
    expect(Object.keys(body)).toEqual([
      'status',
      'id',
      'url',
      'title',
      'description',
      'created_at',
      'cover',
      'duration',
      'artist',
      'audio',
      'music_duration',
      'author',
      'statistics',
      'download_link',
      'formats',
      'subtitles',
      'links_expire_at',
      'cached',
      'source',
    ]);
    expect(body).toMatchObject({
      status: 'tunnel',
      id: post?.id,
      title: post?.desc,
      description: post?.desc,
      artist: post?.musicAuthor,
      statistics: {
        play_count: post?.stats.play,
        digg_count: post?.stats.digg,
        comment_count: post?.stats.comment,
        share_count: post?.stats.share,
        collect_count: post?.stats.collect,
      },
      author: { nickname: post?.nickname, uniqueId: post?.user, signature: post?.signature },
    });
    expect(body.created_at).toBe(`${new Date((post?.createTime ?? 0) * 1000).toISOString().slice(0, 19)}Z`);
    expect(Object.keys(body.download_link ?? {})).toEqual([
      'no_watermark',
      'no_watermark_hd',
      'watermark',
      'mp3',
    ]);
    expect(body.links_expire_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  });

  it('has links below 2,000 characters', async () => {
    for (const name of ['video', 'photos, 35', 'video, MP3 behind the cookie']) {
      const { body } = await service.post(tiktok.find((one) => one.name === name)?.url);
      const links = JSON.stringify(body).match(/http:\/\/127[^"]+/g) ?? [];
      expect(links.length).toBeGreaterThan(3);
      for (const link of links) expect(link.length).toBeLessThan(2000);
    }
  });

  it('comes from the cache the second time, with new links', async () => {
    const url = 'https://www.tiktok.com/@cache/video/7400000000000000777';
    const first = await service.post(url);
    const second = await service.post(url);
    expect([first.body.cached, second.body.cached]).toEqual([false, true]);
    expect(second.body.download_link?.mp3).not.toBe(first.body.download_link?.mp3);
    expect(standin.requests.filter((one) => one.postId === '7400000000000000777')).toHaveLength(1);
  });

  it('comes from one extraction for 30 requests at the same time', async () => {
    const url = 'https://www.tiktok.com/@cache/video/7400000000000000888';
    const answers = await Promise.all(Array.from({ length: 30 }, () => service.post(url)));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(standin.requests.filter((one) => one.postId === '7400000000000000888')).toHaveLength(1);
  });

  it('leaves no token, cookie or key in the log', async () => {
    await service.post(`https://www.tiktok.com/@log/video/7400000000000000999`);
    expect(await until(() => JSON.stringify(service.log).includes('7400000000000000999'), 5000)).toBe(true);
    const leaks = JSON.stringify(service.log).match(/tt_chain_token=|data=A|a key that only/g);
    expect(leaks).toBeNull();
  });
});

describe('cookies', () => {
  it('are sent to Douyin, and are read again when the file changes', async () => {
    const cookies = join(service.tempDir, 'cookies.txt');
    const own = await startService(standin, { COOKIES_PATH: cookies, MAX_WORKERS: '1', CACHE_TTL: '0' });
    try {
      const douyin = SCENARIOS.filter(({ url }) => url.includes('douyin.com'));
      expect(douyin.length).toBeGreaterThan(2);
      const before = await own.post(douyin[0]?.url);
      expect(before.body.code).toBe('login_required');
      const expires = Math.floor(Date.now() / 1000) + 3600;
      writeFileSync(
        cookies,
        `# Netscape HTTP Cookie File\n.douyin.com\tTRUE\t/\tFALSE\t${expires}\ts_v_web_id\tverify_test\n`,
      );
      for (const { url, name, expect: expected } of douyin) {
        const { body } = await own.post(url);
        const kind = body.code ?? (body.status === 'picker' ? 'photo' : 'video');
        expect([name, kind]).toEqual([name, expected]);
      }
    } finally {
      await own.stop();
    }
  });
});

const captured = new URL('../../../shared/fixtures/', import.meta.url);

describe.skipIf(!existsSync(captured))('captured pages', () => {
  const pages = ['7526770564367748360', '7571863205253778710'];

  it.each(pages)('reads %s field by field', async (id) => {
    const page = readFileSync(new URL(`web-video/${id}.html`, captured), 'utf8');
    const detail = JSON.parse(readFileSync(new URL(`web-video/${id}.video-detail.json`, captured), 'utf8'));
    const item = detail.itemInfo.itemStruct;
    standin.faults.add({ post: id, part: 'page' }, { kind: 'html', body: page });
    const { body } = await service.post(`https://www.tiktok.com/@${item.author.uniqueId}/video/${id}`);
    expect(body).toMatchObject({
      status: 'tunnel',
      id,
      title: item.desc,
      description: item.desc,
      duration: item.video.duration * 1000,
      artist: item.music.authorName,
      audio: item.music.playUrl,
      author: {
        nickname: item.author.nickname,
        uniqueId: item.author.uniqueId,
        signature: item.author.signature,
        avatarLarger: item.author.avatarLarger,
      },
      statistics: {
        play_count: Number(item.statsV2.playCount),
        digg_count: Number(item.statsV2.diggCount),
        comment_count: Number(item.statsV2.commentCount),
        share_count: Number(item.statsV2.shareCount),
        collect_count: Number(item.statsV2.collectCount),
      },
    });
    const formats = body.formats as {
      codec: string;
      width: number;
      height: number;
      size: number;
      bitrate: number;
    }[];
    for (const { PlayAddr, CodecType, Bitrate } of item.video.bitrateInfo) {
      expect(formats).toContainEqual(
        expect.objectContaining({
          codec: CodecType.startsWith('h265') ? 'h265' : 'h264',
          width: PlayAddr.Width,
          height: PlayAddr.Height,
          size: Number(PlayAddr.DataSize),
          bitrate: Bitrate,
        }),
      );
    }
  });

  it.skipIf(!solvesChallenge)('solves a captured challenge', async () => {
    const id = '7400000000000001234';
    const challenge = readFileSync(new URL('waf/challenge-2026-03-30.html', captured), 'utf8');
    standin.faults.once({ post: id, part: 'page' }, { kind: 'html', body: challenge });
    const { status, body } = await service.post(`https://www.tiktok.com/@a/video/${id}`);
    expect([status, body.id]).toEqual([200, id]);
    const answered = standin.requests.filter((one) => one.postId === id).at(-1);
    expect(answered?.headers.cookie).toContain('_wafchallengeid=');
  });

  it('answers captured status pages with their codes', async () => {
    const id = '7276437262283859205';
    const page = readFileSync(new URL(`web-status/${id}-10204-item-doesnt-exist.html`, captured), 'utf8');
    const frame = (detail: string) => page.replace(/\{"statusCode":10204[^}]*\}/, detail);
    const cases: [string, string][] = [
      ['7276437262283859205-10204-item-doesnt-exist', 'post_not_found'],
      ['7550459646654418189-10204-deleted', 'post_not_found'],
      ['7609111825233251598-10204-cross-border', 'region_blocked'],
    ];
    for (const [name, code] of cases) {
      const detail = readFileSync(new URL(`web-status/${name}.video-detail.json`, captured), 'utf8');
      const post = name.slice(0, 19);
      standin.faults.add(
        { post, part: 'page' },
        { kind: 'html', body: frame(JSON.stringify(JSON.parse(detail))) },
      );
      const { body } = await service.post(`https://www.tiktok.com/@a/video/${post}`);
      expect([name, body.code]).toEqual([name, code]);
    }
  });

  it('takes no shell without data for a post', async () => {
    const id = '7400000000000004321';
    const page = readFileSync(new URL('web-shell/shell-without-universal-data.html', captured), 'utf8');
    standin.faults.add({ post: id, part: 'page' }, { kind: 'html', body: page });
    const { body } = await service.post(`https://www.tiktok.com/@a/video/${id}`);
    expect(body.code).toBe('extractor_outdated');
  });
});
