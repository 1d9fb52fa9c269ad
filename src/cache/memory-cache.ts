import { LRUCache } from 'lru-cache';
import type { PostRef } from '../posts/post.ts';
import { type CacheEntry, sizeOf } from './entry.ts';

/** Where posts are kept between requests. Never throws: a cache that fails has nothing. */
export interface PostCache {
  get(key: string): Promise<CacheEntry | null>;
  set(key: string, entry: CacheEntry): Promise<void>;
  /** The post that a short link leads to. */
  target(shortUrl: string): Promise<PostRef | null>;
  setTarget(shortUrl: string, ref: PostRef): Promise<void>;
}

/** A short link leads to one post for good; forgetting it costs one request to TikTok. */
export const TARGET_TTL_MS = 24 * 3_600_000;

/** JSON bytes of all posts together. As objects they take about twice that, so some 64 MB of memory. */
const MAX_BYTES = 32 * 1024 * 1024;

/** A target is some 200 bytes. */
const MAX_TARGETS = 20_000;

/** The default cache, and the nearer one where there is Redis as well: this process's memory, bounded. */
export class MemoryCache {
  readonly #entries = new LRUCache<string, CacheEntry>({ maxSize: MAX_BYTES, sizeCalculation: sizeOf });
  readonly #targets = new LRUCache<string, PostRef>({ max: MAX_TARGETS, ttl: TARGET_TTL_MS });

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): CacheEntry | null {
    const entry = this.#entries.get(key);
    if (!entry) return null;
    if (entry.until > Date.now()) return entry;
    this.#entries.delete(key);
    return null;
  }

  set(key: string, entry: CacheEntry): void {
    this.#entries.set(key, entry);
  }

  target(shortUrl: string): PostRef | null {
    return this.#targets.get(shortUrl) ?? null;
  }

  setTarget(shortUrl: string, ref: PostRef): void {
    this.#targets.set(shortUrl, ref);
  }
}
