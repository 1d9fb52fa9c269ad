import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { download, linkOf, outcomeOf, pagesOf, truthOf } from '../helpers/download.ts';
import { until } from '../helpers/processes.ts';
import { type Service, startService } from '../helpers/service.ts';
import {
  type Fault,
  photoPost,
  type Standin,
  type StandinPost,
  startStandin,
  videoPost,
} from '../helpers/standin/index.ts';

/** Links whose CDN address has expired, and posts that have changed since the link was made. */

let standin: Standin;
let service: Service;

beforeAll(async () => {
  standin = await startStandin();
  service = await startService(standin, { MAX_WORKERS: '2', DOWNLOAD_TIMEOUT: '4', YTDLP_TIMEOUT: '3' });
});

afterAll(async () => {
  await service.stop();
  await standin.close();
});

async function outcome(link: string, post: StandinPost): Promise<string> {
  return outcomeOf(await download(link), truthOf(standin, post));
}

const cdn = (post: StandinPost) => standin.journal.find({ postId: post.id, kind: 'cdn' });

describe('a link that has expired at the CDN', () => {
  it.concurrent.for([
    ['a video', videoPost],
    ['a photo', photoPost],
  ] as const)('to %s: serves it after a new extraction', async ([, make]) => {
    const post = standin.posts.add(make());
    const link = await linkOf(service, post);
    standin.expireNow(post);
    expect(await outcome(link, post)).toBe('whole file');
    expect(pagesOf(standin, post)).toBe(2);
  });

  it.concurrent('to a subtitle: serves it', async () => {
    const post = standin.posts.add(videoPost());
    const { body } = await service.post(post.url);
    const [first] = body.subtitles as { link: string }[];
    standin.expireNow(post);
    const got = await download(first?.link ?? '');
    expect(got.headers.get('content-type')).toBe('text/vtt; charset=utf-8');
    expect(outcomeOf(got, standin.media.sha256({ post, part: 'subtitle', index: 0 }))).toBe('whole file');
  });

  it.concurrent('again and again: serves it each time', async () => {
    const post = standin.posts.add(videoPost());
    const link = await linkOf(service, post);
    for (let time = 0; time < 3; time++) {
      standin.expireNow(post);
      expect(await outcome(link, post)).toBe('whole file');
    }
    expect(pagesOf(standin, post)).toBe(4);
  });

  it.concurrent('by its own expiry: is not requested', async () => {
    const post = standin.posts.add(videoPost({ mediaLife: 5 }));
    const link = await linkOf(service, post);
    await sleep(5200);
    expect(await outcome(link, post)).toBe('whole file');
    expect(cdn(post).map(({ status }) => status)).toEqual([200]);
  });

  it.concurrent('for many clients at once: costs one extraction', async () => {
    const post = standin.posts.add(videoPost());
    const link = await linkOf(service, post);
    standin.expireNow(post);
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => outcome(link, post)));
    expect(new Set(outcomes)).toEqual(new Set(['whole file']));
    expect(pagesOf(standin, post)).toBe(2);
  });

  it.concurrent('in the middle of the body: sends every byte', async () => {
    const post = standin.posts.add(videoPost());
    const link = await linkOf(service, post);
    const match = { post: post.id, part: 'video' } as const;
    const rule = standin.faults.once(match, { kind: 'stall', after: 300_000 });
    const running = outcome(link, post);
    await until(() => rule.hits > 0, 5000);
    standin.expireNow(post);
    expect(await running).toBe('whole file');
    expect(pagesOf(standin, post)).toBe(2);
  });

  it.concurrent('serves HEAD and ranges', async () => {
    const post = standin.posts.add(videoPost());
    const link = await linkOf(service, post);
    standin.expireNow(post);
    expect((await download(link, { method: 'HEAD' })).status).toBe(200);
    standin.expireNow(post);
    const got = await download(link, { headers: { range: 'bytes=-1000' } });
    expect([got.status, got.bytes]).toEqual([206, 1000]);
  });
});

/** How a post has changed when its expired link is to be renewed. */
const LATER: [string, number, string, (post: StandinPost) => void][] = [
  ['deleted', 404, 'post_not_found', (post) => setStatus(post, 10_204, 'status_deleted')],
  ['private', 403, 'post_private', (post) => setStatus(post, 10_222, '')],
  ['not available in this region', 451, 'region_blocked', (post) => setStatus(post, 10_231, '')],
  ['page fails', 502, 'upstream_failed', (post) => setFault(post, { kind: 'status', status: 500 })],
  ['page never answers', 504, 'timeout', (post) => setFault(post, { kind: 'hang' })],
];

function setStatus(post: StandinPost, status: number, message: string): void {
  post.behaviour = { status, message };
}

function setFault(post: StandinPost, fault: Fault): void {
  post.behaviour = { fault };
}

it.concurrent('takes the sound of a track that is gone from the video, with one more extraction', async () => {
  const post = standin.posts.add(videoPost({ music: 'mp3' }));
  const { body } = await service.post(post.url);
  standin.faults.add({ post, part: 'music' }, { kind: 'status', status: 404 });
  for (let time = 0; time < 2; time += 1) {
    const got = await download(String(body.download_link?.mp3));
    expect([got.status, got.headers.get('content-type'), got.whole]).toEqual([200, 'audio/mpeg', true]);
    expect(got.bytes).toBeGreaterThan(50_000);
    expect(got.sha256).not.toBe(standin.media.sha256({ post, part: 'music' }));
  }
  expect(pagesOf(standin, post)).toBe(2);
});

it.concurrent('finishes a conversion for the second client when the first one leaves, over an expired video link', async () => {
  const post = standin.posts.add(videoPost({ music: 'mp3' }));
  const { body } = await service.post(post.url);
  const link = String(body.download_link?.mp3);
  standin.faults.add({ post, part: 'music' }, { kind: 'status', status: 404 });
  // The first response only tells what the video is.
  const dead = standin.faults.add({ post, part: 'video' }, { kind: 'expired' }, { skip: 1, times: 2 });
  // One page for the track, and then one for the video.
  const slow = standin.faults.add({ post, part: 'page' }, { kind: 'delay', ms: 1500 }, { skip: 1 });
  const leaving = new AbortController();
  const first = download(link, { signal: leaving.signal }).catch(() => null);
  expect(await until(async () => slow.hits === 1, 10_000)).toBe(true);
  const stays = download(link);
  await sleep(300);
  leaving.abort();
  await first;
  const got = await stays;
  expect([got.status, got.code, got.whole]).toEqual([200, null, true]);
  expect([dead.hits, pagesOf(standin, post)]).toEqual([2, 3]);
});

it.concurrent('answers upstream_failed for a track that is gone from a photo post', async () => {
  const post = standin.posts.add(photoPost({ music: 'mp3' }));
  const { body } = await service.post(post.url);
  standin.faults.add({ post, part: 'music' }, { kind: 'status', status: 404 });
  const got = await download(String(body.download_link?.mp3));
  expect([got.status, got.code]).toEqual([502, 'upstream_failed']);
});

describe('a post that is', () => {
  it.concurrent.for(LATER)(
    '%s when its link is to be renewed: answers %d %s',
    async ([, status, code, change]) => {
      const post = standin.posts.add(videoPost());
      const link = await linkOf(service, post);
      standin.expireNow(post);
      change(post);
      const got = await download(link);
      expect([got.status, got.code]).toEqual([status, code]);
      expect(got.headers.get('content-type')).toBe('application/json; charset=utf-8');
      expect(got.headers.get('content-disposition')).toBeNull();
      expect(got.headers.get('cache-control')).toBe('no-store');
    },
  );

  it.concurrent('deleted in the middle of the body: breaks the connection', async () => {
    const post = standin.posts.add(videoPost());
    const link = await linkOf(service, post);
    const rule = standin.faults.once({ post: post.id, part: 'video' }, { kind: 'stall', after: 300_000 });
    const running = download(link);
    await until(() => rule.hits > 0, 5000);
    standin.expireNow(post);
    setStatus(post, 10_204, 'status_deleted');
    const got = await running;
    expect([got.status, got.whole]).toEqual([200, false]);
    expect(got.bytes).toBeLessThanOrEqual(300_000);
  });

  it.concurrent('without that rendition now: answers post_not_found, and serves the others', async () => {
    const post = standin.posts.add(videoPost());
    const link = await linkOf(service, post);
    standin.expireNow(post);
    post.renditions = ['h264_720p'];
    const got = await download(link);
    expect([got.status, got.code]).toEqual([404, 'post_not_found']);
    const fresh = await linkOf(service, post);
    expect(outcomeOf(await download(fresh), standin.media.sha256({ post, part: 'video' }))).toBe(
      'whole file',
    );
  });

  it('behind a page that blocks this server: answers ip_blocked, and serves it when the block is lifted', async () => {
    // A service of its own: a blocked egress cools down for everybody.
    const own = await startService(standin, { MAX_WORKERS: '1' });
    try {
      const post = standin.posts.add(videoPost());
      const link = await linkOf(own, post);
      standin.expireNow(post);
      const lift = standin.block();
      const got = await download(link);
      lift();
      expect([got.status, got.code]).toEqual([503, 'ip_blocked']);
      expect(Number(got.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
      expect(await until(async () => (await outcome(link, post)) === 'whole file', 30_000)).toBe(true);
    } finally {
      await own.stop();
    }
  });
});
