import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Pacer } from '../../src/extraction/sources/pacer.ts';
import { asObject } from '../../src/posts/raw.ts';
import { solvesChallenge } from '../helpers/engine.ts';
import { type SourceHost, startSourceHost } from '../helpers/sources.ts';
import {
  photoPost,
  type RefusalKind,
  type Source,
  type Standin,
  type StandinPost,
  startStandin,
  statusPost,
  videoPost,
} from '../helpers/standin/index.ts';

let standin: Standin;
let host: SourceHost;

beforeAll(async () => {
  standin = await startStandin();
  host = await startSourceHost(standin);
});

afterAll(async () => {
  await host?.close();
  await standin?.close();
});

beforeEach(() => standin.journal.clear());
afterEach(() => standin.refusals.clear());

/** What a chain ended with: `ok SOURCE`, or the code. */
async function run(post: StandinPost, options?: Parameters<SourceHost['run']>[1]): Promise<string> {
  const { result } = await host.run(post, options);
  if (result.ok) return `ok ${result.post.source}`;
  return 'needs' in result ? 'needs ttwid' : result.code;
}

const asked = (post: StandinPost): Source[] => standin.journal.sources({ post });
const refuse = (source: Source | Source[], kind: RefusalKind) => standin.refusals.add({ source, kind });

describe.skipIf(!solvesChallenge)('TikTok, the page answers', () => {
  it('needs nothing but the page', async () => {
    const post = standin.posts.add(videoPost());
    expect(await run(post)).toBe('ok page');
    expect(asked(post)).toEqual(['page']);
  });

  it.each<[string, StandinPost, string]>([
    ['deleted', statusPost(10204, 'status_deleted'), 'post_not_found'],
    ['user gone', statusPost(10202), 'post_not_found'],
    ['user banned', statusPost(10221), 'post_not_found'],
    ['deleted by its own status', statusPost(10241), 'post_not_found'],
    ['seen by its author alone', statusPost(10204, 'status_self_see'), 'post_private'],
    ['for friends', statusPost(10204, 'status_friend_see'), 'post_private'],
    ['of a private author', statusPost(10204, 'author_secret'), 'post_private'],
    ['private', statusPost(10216), 'post_private'],
    ['of a private account', statusPost(10222), 'post_private'],
  ])('takes a verdict for final and asks nobody else: %s', async (_, made, code) => {
    const post = standin.posts.add(made);
    expect(await run(post)).toBe(code);
    expect(asked(post)).toEqual(['page']);
  });

  it.each<[string, StandinPost, string]>([
    ['item does not exist', statusPost(10204, "item doesn't exist"), 'post_not_found'],
    ['no words', statusPost(10204), 'post_not_found'],
    ['withheld in the region', statusPost(10204, 'cross_border_violation_ur'), 'region_blocked'],
    ['geofenced', statusPost(10231), 'region_blocked'],
  ])('asks the player API once where the page may not know: %s', async (_, made, code) => {
    const post = standin.posts.add(made);
    expect(await run(post)).toBe(code);
    expect(asked(post)).toEqual(['page', 'player']);
  });

  it('says login_required of an age-gated post', async () => {
    const post = standin.posts.add(videoPost({ behaviour: 'age-gate' }));
    expect(await run(post)).toBe('login_required');
    expect(asked(post)).toEqual(['page', 'player']);
  });

  it('gives the sound of an advertisement that has no video', async () => {
    const post = standin.posts.add(videoPost({ behaviour: 'ad' }));
    const { result } = await host.run(post);
    expect(result).toMatchObject({ ok: true, post: { renditions: [] } });
    expect(result.ok && result.post.sound?.urls.length).toBeGreaterThan(0);
  });

  it('reads a shape that only yt-dlp knows with yt-dlp', async () => {
    const post = standin.posts.add(videoPost());
    const { result } = await host.run(post);
    expect(result.ok).toBe(true);
  });
});

describe.skipIf(!solvesChallenge)('TikTok, the page is refused', () => {
  it.each<RefusalKind>([
    'maintenance',
    'challenge-again',
    'shell',
    'page-without-post',
    'captcha',
    '403',
    '429',
    '503',
    'login-redirect',
    '10101',
    '100004',
    'empty-200',
    'error-page',
    'reset',
  ])('gets the post from the player API after other browsers: %s', async (kind) => {
    const post = standin.posts.add(videoPost());
    refuse('page', kind);
    expect(await run(post)).toBe('ok player');
    const sources = asked(post);
    expect(sources.at(-1)).toBe('player');
    const browsers = new Set(
      standin.journal.asked({ post, source: 'page' }).map(({ browser }) => JSON.stringify(browser)),
    );
    expect(browsers.size).toBeGreaterThanOrEqual(kind === 'reset' ? 1 : 2);
    expect(browsers.size).toBeLessThanOrEqual(3);
  });

  it('waits a second before a third browser at one egress', async () => {
    const post = standin.posts.add(videoPost());
    refuse('page', 'maintenance');
    await run(post, { pacer: new Pacer(Pacer.memory(2)) });
    const times = standin.journal.asked({ post, source: 'page' }).map(({ time }) => time);
    expect(times).toHaveLength(3);
    expect((times[2] ?? 0) - (times[1] ?? 0)).toBeGreaterThanOrEqual(950);
  });

  it('gets through a window of refused browser versions with another browser', async () => {
    const post = standin.posts.add(videoPost());
    const lift = standin.refuseBrowsers({ from: 140, to: 149 });
    try {
      expect(await run(post)).toBe('ok page');
    } finally {
      lift();
    }
    const versions = standin.journal.asked({ post, source: 'page' }).map(({ browser }) => browser);
    expect(versions.length).toBeGreaterThan(1);
  });

  it('gets a photo post from the player API', async () => {
    const post = standin.posts.add(photoPost());
    refuse('page', 'maintenance');
    const { result } = await host.run(post);
    expect(result).toMatchObject({ ok: true, post: { source: 'player', kind: 'photo' } });
    expect(result.ok && result.post.photos.length).toBeGreaterThan(0);
  });

  it.each<[RefusalKind, string]>([
    ['429', 'ok mobile'],
    ['403', 'ok mobile'],
    ['empty-200', 'ok mobile'],
    ['api_busy', 'ok mobile'],
  ])('goes on to the mobile page where the player API is refused too: %s', async (kind, outcome) => {
    const post = standin.posts.add(videoPost());
    refuse('page', 'maintenance');
    refuse('player', kind);
    expect(await run(post)).toBe(outcome);
  });

  it('ends with the embed page', async () => {
    const post = standin.posts.add(photoPost());
    refuse(['page', 'player', 'mobile'], '403');
    expect(await run(post)).toBe('ok embed');
  });

  it.each<RefusalKind>(['503', '429', 'captcha'])(
    'is ip_blocked where every source refuses: %s',
    async (kind) => {
      const post = standin.posts.add(videoPost());
      refuse(['page', 'player', 'mobile', 'embed'], kind);
      expect(await run(post)).toBe('ip_blocked');
    },
  );

  it.each<RefusalKind>(['country-hk', 'country-in'])(
    'asks no other source in a country that is not served: %s',
    async (kind) => {
      const post = standin.posts.add(videoPost());
      refuse(['page', 'player', 'mobile', 'embed'], kind);
      expect(await run(post)).toBe('ip_blocked');
      expect(new Set(asked(post))).toEqual(new Set(['page']));
    },
  );

  it('believes a deleted video where the player API and oEmbed agree', async () => {
    const post = standin.posts.add(statusPost(10204, 'status_deleted'));
    refuse('page', 'maintenance');
    expect(await run(post)).toBe('post_not_found');
    expect(asked(post).slice(-2)).toEqual(['player', 'oembed']);
  });

  it('tells a withheld video from a deleted one by oEmbed', async () => {
    const post = standin.posts.add(statusPost(10204, 'cross_border_violation_ur'));
    refuse('page', 'maintenance');
    expect(await run(post)).toBe('region_blocked');
  });

  it('keeps the refusal where nobody can witness', async () => {
    const video = standin.posts.add(statusPost(10204, 'status_deleted'));
    refuse('page', 'maintenance');
    refuse('oembed', '429');
    expect(await run(video)).toBe('ip_blocked');
    const photo = { id: video.id, platform: 'tiktok', kind: 'photo' } as const;
    const { result } = await host.run(photo);
    expect(asObject(result).code).toBe('ip_blocked');
  });

  it('is extractor_outdated where every source answers in an unknown shape', async () => {
    const post = standin.posts.add(videoPost({ behaviour: 'blind' }));
    expect(await run(post)).toBe('extractor_outdated');
  });

  it('spends its deadline on more than a silent page', async () => {
    const post = standin.posts.add(videoPost());
    refuse('page', 'timeout');
    const started = performance.now();
    expect(await run(post, { timeoutMs: 2000 })).toBe('ok player');
    expect(performance.now() - started).toBeLessThan(2000);
  });

  it('ends at the deadline where every source is silent', async () => {
    const post = standin.posts.add(videoPost());
    refuse(['page', 'player', 'mobile', 'embed'], 'timeout');
    const started = performance.now();
    expect(await run(post, { timeoutMs: 1500 })).toBe('timeout');
    expect(performance.now() - started).toBeLessThan(2500);
  });
});
