import type { PostRef } from '../posts/post.ts';
import type { CacheEntry } from './entry.ts';
import { MemoryCache, type PostCache } from './memory-cache.ts';

/**
 * Another instance may have renewed a post meanwhile, so the own copy of a shared post is not kept to its end. At
 * thousands of requests a second for one post this is as good as for ever.
 */
const NEAR_TTL_MS = 15_000;

/** Own memory first, then what all instances share, where there is that. */
export class TwoTierCache {
  readonly #near = new MemoryCache();
  readonly #shared: PostCache | null;
  readonly #counts = { near: 0, shared: 0, missed: 0 };

  constructor(shared: PostCache | null) {
    this.#shared = shared;
  }

  get status() {
    return {
      posts: this.#near.size,
      hits: { memory: this.#counts.near, redis: this.#counts.shared },
      misses: this.#counts.missed,
    };
  }

  /** @param accept what is good enough; an own copy that is not does not hide a shared one that is */
  async get(key: string, accept: (entry: CacheEntry) => boolean): Promise<CacheEntry | null> {
    const near = this.#near.get(key);
    if (near && accept(near)) {
      this.#counts.near += 1;
      return near;
    }
    const shared = await this.#fromShared(key, accept);
    if (shared) this.#counts.shared += 1;
    else this.#counts.missed += 1;
    return shared;
  }

  async #fromShared(key: string, accept: (entry: CacheEntry) => boolean): Promise<CacheEntry | null> {
    const shared = (await this.#shared?.get(key)) ?? null;
    if (!shared || !accept(shared)) return null;
    this.#setNear(key, shared);
    return shared;
  }

  async set(key: string, entry: CacheEntry): Promise<void> {
    this.#setNear(key, entry);
    await this.#shared?.set(key, entry);
  }

  async target(shortUrl: string): Promise<PostRef | null> {
    const near = this.#near.target(shortUrl);
    if (near || !this.#shared) return near;
    const shared = await this.#shared.target(shortUrl);
    if (shared) this.#near.setTarget(shortUrl, shared);
    return shared;
  }

  async setTarget(shortUrl: string, ref: PostRef): Promise<void> {
    this.#near.setTarget(shortUrl, ref);
    await this.#shared?.setTarget(shortUrl, ref);
  }

  #setNear(key: string, entry: CacheEntry): void {
    const until = this.#shared ? Math.min(entry.until, Date.now() + NEAR_TTL_MS) : entry.until;
    this.#near.set(key, { ...entry, until });
  }
}
