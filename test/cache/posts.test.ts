import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Posts } from '../../src/cache/index.ts';
import { type ErrorCode, ServiceError } from '../../src/errors.ts';
import type { Post } from '../../src/posts/post.ts';
import { type PostLink, parsePostUrl } from '../../src/posts/url.ts';
import { somePost } from './sample-post.ts';

const TTL_MS = 300_000;
const ASKING = { client: '192.0.2.1' };
const SHORT = link('https://vm.tiktok.com/ZSabc/');
const LONG = link('https://www.tiktok.com/@someone/video/7');

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

function link(url: string): PostLink {
  const parsed = parsePostUrl(url);
  if (!parsed) throw new Error(url);
  return parsed;
}

/** Posts over a source that records its requests and replies as the test says. */
function posts(answer: (asked: number) => Post | ErrorCode = () => somePost('7'), ttlMs = TTL_MS) {
  const asked: PostLink[] = [];
  const extract = async (one: PostLink) => {
    asked.push(one);
    const result = answer(asked.length);
    if (typeof result === 'string') throw new ServiceError(result);
    return result;
  };
  return { asked, posts: new Posts({ source: { extract }, ttlMs, shared: null }) };
}

async function codeOf(found: Promise<unknown>): Promise<string> {
  const error = await found.then(
    () => null,
    (reason: unknown) => reason,
  );
  return error instanceof ServiceError ? error.code : String(error);
}

describe('a post', () => {
  it('is extracted once for all of its links', async () => {
    const { asked, posts: all } = posts();
    expect((await all.find(SHORT, ASKING)).cached).toBe(false);
    expect((await all.find(LONG, ASKING)).cached).toBe(true);
    expect((await all.find(SHORT, ASKING)).cached).toBe(true);
    expect(asked).toEqual([SHORT]);
    expect(all.status).toMatchObject({ posts: 1, hits: { memory: 2, redis: 0 }, extractions: 1 });
  });

  it('is extracted again after CACHE_TTL, without resolving the short link again', async () => {
    const { asked, posts: all } = posts();
    await all.find(SHORT, ASKING);
    vi.advanceTimersByTime(TTL_MS - 1);
    expect((await all.find(SHORT, ASKING)).cached).toBe(true);
    vi.advanceTimersByTime(2);
    expect((await all.find(SHORT, ASKING)).cached).toBe(false);
    expect(asked).toEqual([SHORT, LONG]);
  });

  it('is not cached until its media links expire', async () => {
    const mediaExpiresAt = Date.now() + 120_000;
    const { asked, posts: all } = posts(() => somePost('7', { mediaExpiresAt }));
    await all.find(LONG, ASKING);
    vi.advanceTimersByTime(59_000);
    expect((await all.find(LONG, ASKING)).cached).toBe(true);
    vi.advanceTimersByTime(2000);
    expect((await all.find(LONG, ASKING)).cached).toBe(false);
    expect(asked).toHaveLength(2);
  });

  it('is not cached when its links are about to expire', async () => {
    const { asked, posts: all } = posts(() => somePost('7', { mediaExpiresAt: Date.now() + 30_000 }));
    await all.find(LONG, ASKING);
    await all.find(LONG, ASKING);
    expect(asked).toHaveLength(2);
  });

  it('is cached for a minute only when its source knows less than the page', async () => {
    const { asked, posts: all } = posts(() =>
      somePost('7', { source: 'player', partial: ['statistics.play_count'] }),
    );
    await all.find(LONG, ASKING);
    vi.advanceTimersByTime(59_000);
    expect((await all.find(LONG, ASKING)).cached).toBe(true);
    vi.advanceTimersByTime(2000);
    expect((await all.find(LONG, ASKING)).cached).toBe(false);
    expect(asked).toHaveLength(2);
  });

  it('is never cached where CACHE_TTL is 0', async () => {
    const { asked, posts: all } = posts(undefined, 0);
    await all.find(SHORT, ASKING);
    await all.find(SHORT, ASKING);
    expect(asked).toEqual([SHORT, SHORT]);
  });

  it('is extracted again for a dead link, once for all', async () => {
    const { asked, posts: all } = posts((nth) => somePost('7', { title: `extraction ${nth}` }));
    const ref = somePost('7').ref;
    const isStale = (post: Post) => post.title === 'extraction 1';
    await all.find(LONG, ASKING);
    expect((await all.renew(ref, isStale, ASKING)).post.title).toBe('extraction 2');
    expect((await all.renew(ref, isStale, ASKING)).cached).toBe(true);
    expect((await all.find(LONG, ASKING)).post.title).toBe('extraction 2');
    expect(asked).toHaveLength(2);
  });
});

describe('the memory cache', () => {
  it('is bounded', async () => {
    let id = 0;
    const long = 'x'.repeat(100_000);
    const { posts: all } = posts(() => somePost(String(id), { description: long }));
    for (id = 1; id <= 500; id += 1) {
      await all.find({ kind: 'post', ref: { platform: 'tiktok', id: String(id) } }, ASKING);
    }
    expect(all.status.posts).toBeGreaterThan(100);
    expect(all.status.posts * 100_000).toBeLessThan(32 * 1024 * 1024);
  });
});

describe('a failure', () => {
  it.each<ErrorCode>(['post_not_found', 'post_private'])(
    'of code %s is cached for half a minute',
    async (code) => {
      const { asked, posts: all } = posts(() => code);
      expect(await codeOf(all.find(SHORT, ASKING))).toBe(code);
      vi.advanceTimersByTime(29_000);
      expect(await codeOf(all.find(SHORT, ASKING))).toBe(code);
      expect(asked).toHaveLength(1);
      vi.advanceTimersByTime(2000);
      expect(await codeOf(all.find(SHORT, ASKING))).toBe(code);
      expect(asked).toHaveLength(2);
    },
  );

  it.each<ErrorCode>([
    'login_required',
    'region_blocked',
    'ip_blocked',
    'extractor_outdated',
    'upstream_failed',
    'timeout',
    'busy',
    'internal',
  ])('of code %s is not cached', async (code) => {
    const { asked, posts: all } = posts(() => code);
    expect(await codeOf(all.find(LONG, ASKING))).toBe(code);
    expect(await codeOf(all.find(LONG, ASKING))).toBe(code);
    expect(asked).toHaveLength(2);
  });
});
