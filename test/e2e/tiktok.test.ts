import { writeFileSync } from 'node:fs';
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
      'sounds',
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
