import type { ExtractOptions } from '../extraction/index.ts';
import type { Post, PostRef } from '../posts/post.ts';
import { type PostLink, postKey } from '../posts/url.ts';
import { SingleFlight } from './single-flight.ts';
import type { PostCache } from './store.ts';

/** What fetches a post from TikTok. */
export interface PostSource {
  extract(link: PostLink, options: ExtractOptions): Promise<Post>;
}

export interface FoundPost {
  post: Post;
  cached: boolean;
}

/** Links die with the CDN's; a cached post must leave its visitor this long to begin. */
const MEDIA_MARGIN_MS = 60_000;

/** Posts by link: out of the cache, or extracted once however many ask. */
export class Posts {
  readonly #source: PostSource;
  readonly #cache: PostCache;
  readonly #ttlMs: number;
  readonly #flights = new SingleFlight<Post>();

  constructor(source: PostSource, cache: PostCache, ttlMs: number) {
    this.#source = source;
    this.#cache = cache;
    this.#ttlMs = ttlMs;
  }

  /** @throws ServiceError as Extractor.extract */
  async find(link: PostLink, options: ExtractOptions): Promise<FoundPost> {
    const known = await this.#cache.get(linkKey(link));
    if (known) return { post: known, cached: true };
    return { post: await this.#extract(link, options), cached: false };
  }

  /**
   * The post again, for a link whose source no longer works.
   * @param isStale whether a post that is in the cache has the same dead source
   */
  async renew(ref: PostRef, isStale: (post: Post) => boolean, options: ExtractOptions): Promise<FoundPost> {
    const link: PostLink = { kind: 'post', ref };
    const known = await this.#cache.get(linkKey(link));
    if (known && !isStale(known)) return { post: known, cached: true };
    return { post: await this.#extract(link, options), cached: false };
  }

  #extract(link: PostLink, { client, signal }: ExtractOptions): Promise<Post> {
    const key = linkKey(link);
    const work = async (shared: AbortSignal) => {
      const post = await this.#source.extract(link, { client, signal: shared });
      const ttlMs = Math.min(
        this.#ttlMs,
        (post.mediaExpiresAt ?? Number.POSITIVE_INFINITY) - Date.now() - MEDIA_MARGIN_MS,
      );
      if (ttlMs > 0) {
        const keys = new Set([key, linkKey({ kind: 'post', ref: post.ref })]);
        await Promise.all([...keys].map((one) => this.#cache.set(one, post, ttlMs)));
      }
      return post;
    };
    return this.#flights.run(key, work, signal);
  }
}

function linkKey(link: PostLink): string {
  return link.kind === 'post' ? postKey(link.ref) : link.url;
}
