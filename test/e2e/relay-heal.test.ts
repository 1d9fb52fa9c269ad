import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
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

/** Links whose CDN address has died, and posts that have changed or gone since the link was made. */

let standin: Standin;
let service: Service;

beforeAll(async () => {
  standin = await startStandin();
  service = await startService(standin, { MAX_WORKERS: '2', DOWNLOAD_TIMEOUT: '6', YTDLP_TIMEOUT: '3' });
});

afterEach(() => standin.faults.clear());

afterAll(async () => {
  await service.stop();
  await standin.close();
});

async function outcome(link: string, post: StandinPost): Promise<string> {
  return outcomeOf(await download(link), truthOf(standin, post));
}

const cdn = (post: StandinPost) => standin.journal.find({ postId: post.id, kind: 'cdn' });

describe('a link that has died', () => {
  it.for([
    ['a video', videoPost],
    ['a photo', photoPost],
  ] as const)('%s: the post is extracted again, and the visitor sees nothing of it', async ([, make]) => {
    const post = standin.posts.add(make());
    const link = await linkOf(service, post);
    standin.expireNow(post);
    expect(await outcome(link, post)).toBe('whole file');
    expect(pagesOf(standin, post)).toBe(2);
  });

  it('a subtitle', async () => {
    const post = standin.posts.add(videoPost());
    const { body } = await service.post(post.url);
    const [first] = body.subtitles as { link: string }[];
    standin.expireNow(post);
    const got = await download(first?.link ?? '');
    expect(got.headers.get('content-type')).toBe('text/vtt; charset=utf-8');
    expect(outcomeOf(got, standin.media.sha256({ post, part: 'subtitle', index: 0 }))).toBe('whole file');
  });

  it('dies again and again', async () => {
    const post = standin.posts.add(videoPost());
    const link = await linkOf(service, post);
    for (let round = 0; round < 3; round++) {
      standin.expireNow(post);
      expect(await outcome(link, post)).toBe('whole file');
    }
    expect(pagesOf(standin, post)).toBe(4);
  });

  it('past its own expiry is not even asked', async () => {
    const post = standin.posts.add(videoPost({ mediaLife: 1 }));
    const link = await linkOf(service, post);
    await sleep(1200);
    expect(await outcome(link, post)).toBe('whole file');
    expect(cdn(post).map(({ status }) => status)).toEqual([200]);
  });

  it('that many ask for at once costs one extraction', async () => {
    const post = standin.posts.add(videoPost());
    const link = await linkOf(service, post);
    standin.expireNow(post);
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => outcome(link, post)));
    expect(new Set(outcomes)).toEqual(new Set(['whole file']));
    expect(pagesOf(standin, post)).toBe(2);
  });

  it('dies in the middle of the body', async () => {
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

  it('works again for its range, and for HEAD', async () => {
    const post = standin.posts.add(videoPost());
    const link = await linkOf(service, post);
    standin.expireNow(post);
    expect((await download(link, { method: 'HEAD' })).status).toBe(200);
    standin.expireNow(post);
    const got = await download(link, { headers: { range: 'bytes=-1000' } });
    expect([got.status, got.bytes]).toEqual([206, 1000]);
  });
});

/** What the page says when the dead link is to be renewed. */
const LATER: [string, number, string, (post: StandinPost) => void][] = [
  ['deleted', 404, 'post_not_found', (post) => setStatus(post, 10_204, 'status_deleted')],
  ['private', 403, 'post_private', (post) => setStatus(post, 10_222, '')],
  ['withheld here', 451, 'region_blocked', (post) => setStatus(post, 10_231, '')],
  ['page fails', 502, 'upstream_failed', (post) => setFault(post, { kind: 'status', status: 500 })],
  ['page never answers', 504, 'timeout', (post) => setFault(post, { kind: 'hang' })],
];

function setStatus(post: StandinPost, status: number, message: string): void {
  post.behaviour = { status, message };
}

function setFault(post: StandinPost, fault: Fault): void {
  post.behaviour = { fault };
}

it('a track that the CDN has no more: its sound comes out of the video, and the post is extracted once more', async () => {
  const post = standin.posts.add(videoPost({ music: 'mp3' }));
  const { body } = await service.post(post.url);
  standin.faults.add({ post, part: 'music' }, { kind: 'status', status: 404 });
  for (let round = 0; round < 2; round += 1) {
    const got = await download(String(body.download_link?.mp3));
    expect([got.status, got.headers.get('content-type'), got.whole]).toEqual([200, 'audio/mpeg', true]);
    expect(got.bytes).toBeGreaterThan(50_000);
    expect(got.sha256).not.toBe(standin.media.sha256({ post, part: 'music' }));
  }
  expect(pagesOf(standin, post)).toBe(2);
});

it('a track that is gone, of a video whose link dies next: who stays gets it, though the one who asked first has gone', async () => {
  const post = standin.posts.add(videoPost({ music: 'mp3' }));
  const { body } = await service.post(post.url);
  const link = String(body.download_link?.mp3);
  standin.faults.add({ post, part: 'music' }, { kind: 'status', status: 404 });
  // The first answer tells what the video is, those after it are what is fetched.
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

it('a track of a photo post that the CDN has no more fails as the CDN did', async () => {
  const post = standin.posts.add(photoPost({ music: 'mp3' }));
  const { body } = await service.post(post.url);
  standin.faults.add({ post, part: 'music' }, { kind: 'status', status: 404 });
  const got = await download(String(body.download_link?.mp3));
  expect([got.status, got.code]).toEqual([502, 'upstream_failed']);
});

describe('a post that is', () => {
  it.for(LATER)('%s when its link is to be renewed: %d %s', async ([, status, code, change]) => {
    const post = standin.posts.add(videoPost());
    const link = await linkOf(service, post);
    standin.expireNow(post);
    change(post);
    const got = await download(link);
    expect([got.status, got.code]).toEqual([status, code]);
    expect(got.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(got.headers.get('content-disposition')).toBeNull();
    expect(got.headers.get('cache-control')).toBe('no-store');
  });

  it('deleted in the middle of the body breaks the connection', async () => {
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

  it('without that rendition now: post_not_found, and the others still work', async () => {
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

  it('behind a page that refuses this server: ip_blocked, and served again when the block is lifted', async () => {
    // A service of its own: after a block an egress rests, for everybody.
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
