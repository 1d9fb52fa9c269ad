import { SingleFlight } from '../concurrency/index.ts';
import { ServiceError } from '../errors.ts';
import type { ExtractOptions } from '../extraction/index.ts';
import type { Post, PostRef, SourceName } from '../posts/post.ts';
import { type PostLink, postKey } from '../posts/url.ts';
import { type CacheEntry, isNegativeResult } from './entry.ts';
import type { RedisStore } from './redis-store.ts';
import { TwoTierCache } from './two-tier-cache.ts';

/** What fetches a post from TikTok. */
export interface PostSource {
  extract(link: PostLink, options: ExtractOptions): Promise<Post>;
}

export interface FoundPost {
  post: Post;
  cached: boolean;
}

export interface PostsOptions {
  source: PostSource;
  /** CACHE_TTL; 0 caches nothing. */
  ttlMs: number;
  /** Redis, shared by all instances; null without it. */
  shared: RedisStore | null;
}

/** Sources that know less than TikTok's page or Douyin's detail API; a post of theirs is cached for a shorter time. */
const FALLBACKS: ReadonlySet<SourceName> = new Set(['player', 'mobile', 'embed', 'share', 'slides', 'feed']);
const FALLBACK_TTL_MS = 60_000;

/** Milliseconds that the CDN's links of a cached post are valid at least. */
const MEDIA_MARGIN_MS = 60_000;

/** Milliseconds that a missing or private post is cached; it may appear or become public. */
const NEGATIVE_TTL_MS = 30_000;

/** Posts by link: from the cache, or extracted once for all requests at the same time. */
export class Posts {
  readonly #source: PostSource;
  readonly #ttlMs: number;
  readonly #cache: TwoTierCache;
  readonly #flights = new SingleFlight<Post>();
  #extractions = 0;

  constructor({ source, ttlMs, shared }: PostsOptions) {
    this.#source = source;
    this.#ttlMs = ttlMs;
    this.#cache = new TwoTierCache(shared);
  }

  /** All but `posts` count since the start. */
  get status() {
    return {
      ...this.#cache.status,
      extractions: this.#extractions,
    };
  }

  /** @throws ServiceError as Extractor.extract */
  async find(link: PostLink, options: ExtractOptions): Promise<FoundPost> {
    const resolved = await this.#resolve(link);
    return this.#get(resolved, () => true, options);
  }

  /**
   * The post again, for a source that no longer works.
   * @param isStale whether a cached post has the same dead source
   */
  async renew(ref: PostRef, isStale: (post: Post) => boolean, options: ExtractOptions): Promise<FoundPost> {
    return this.#get({ kind: 'post', ref }, (post) => !isStale(post), options);
  }

  async #get(link: PostLink, isUsable: (post: Post) => boolean, options: ExtractOptions): Promise<FoundPost> {
    const key = linkKey(link);
    const accept = (entry: CacheEntry) => 'absent' in entry || isUsable(entry.post);
    const known = await this.#cache.get(key, accept);
    if (known) return { post: postOf(known), cached: true };
    const work = (gone: AbortSignal) => this.#extract(link, { ...options, signal: gone });
    return { post: await this.#flights.run(key, work, options.signal), cached: false };
  }

  async #extract(link: PostLink, options: ExtractOptions): Promise<Post> {
    this.#extractions += 1;
    try {
      const post = await this.#source.extract(link, options);
      await this.#store(link, post);
      return post;
    } catch (error) {
      const lifeMs = Math.min(this.#ttlMs, NEGATIVE_TTL_MS);
      if (error instanceof ServiceError && isNegativeResult(error.code) && lifeMs > 0) {
        await this.#cache.set(linkKey(link), { until: Date.now() + lifeMs, absent: error.code });
      }
      throw error;
    }
  }

  async #store(link: PostLink, post: Post): Promise<void> {
    const mediaUntil = (post.mediaExpiresAt ?? Number.POSITIVE_INFINITY) - MEDIA_MARGIN_MS;
    const ttlMs = FALLBACKS.has(post.source) ? Math.min(this.#ttlMs, FALLBACK_TTL_MS) : this.#ttlMs;
    const until = Math.min(Date.now() + ttlMs, mediaUntil);
    if (until > Date.now()) await this.#cache.set(postKey(post.ref), { until, post });
    if (link.kind === 'short' && this.#ttlMs > 0) await this.#cache.setTarget(link.url, post.ref);
  }

  /** Replaces a short link whose target is known. */
  async #resolve(link: PostLink): Promise<PostLink> {
    if (link.kind === 'post') return link;
    const ref = await this.#cache.target(link.url);
    return ref ? { kind: 'post', ref } : link;
  }
}

function postOf(entry: CacheEntry): Post {
  if ('absent' in entry) throw new ServiceError(entry.absent);
  return entry.post;
}

function linkKey(link: PostLink): string {
  return link.kind === 'post' ? postKey(link.ref) : link.url;
}
