import { LRUCache } from 'lru-cache';
import type { PostRef } from '../posts/post.ts';
import type { Entry } from './entry.ts';

/** Where posts are kept between requests. Never throws: a cache that fails has nothing. */
export interface PostCache {
  get(key: string): Promise<Entry | null>;
  set(key: string, entry: Entry): Promise<void>;
  /** The post that a short link leads to. */
  target(shortUrl: string): Promise<PostRef | null>;
  setTarget(shortUrl: string, ref: PostRef): Promise<void>;
}

/** A short link leads to one post for good; forgetting it costs one request to TikTok. */
export const TARGET_TTL_MS = 24 * 3_600_000;

/** JSON bytes of all posts together, some 2,700 of them. */
const MAX_BYTES = 32 * 1024 * 1024;

/** Posts that were asked for again are there as objects, too: as many as answers keep templates of. */
const MAX_UNPACKED = 500;

interface Packed {
  until: number;
  /** A post takes 12 KB like this, and 34 as an object: with 600 posts that was 15 MB of Node's memory. */
  json: Buffer;
}

/** A target is some 200 bytes. */
const MAX_TARGETS = 20_000;

/** The default cache, and the nearer one where there is Redis as well: this process's memory, bounded. */
export class MemoryCache {
  readonly #unpacked = new LRUCache<string, Entry>({ max: MAX_UNPACKED });
  readonly #entries = new LRUCache<string, Packed>({
    maxSize: MAX_BYTES,
    sizeCalculation: ({ json }) => json.length,
    dispose: (_, key) => this.#unpacked.delete(key),
  });
  readonly #targets = new LRUCache<string, PostRef>({ max: MAX_TARGETS, ttl: TARGET_TTL_MS });

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Entry | null {
    const packed = this.#entries.get(key);
    if (!packed) return null;
    if (packed.until <= Date.now()) {
      this.#entries.delete(key);
      return null;
    }
    const known = this.#unpacked.get(key);
    if (known) return known;
    const entry = JSON.parse(packed.json.toString()) as Entry;
    this.#unpacked.set(key, entry);
    return entry;
  }

  set(key: string, entry: Entry): void {
    this.#entries.set(key, { until: entry.until, json: Buffer.from(JSON.stringify(entry)) });
  }

  target(shortUrl: string): PostRef | null {
    return this.#targets.get(shortUrl) ?? null;
  }

  setTarget(shortUrl: string, ref: PostRef): void {
    this.#targets.set(shortUrl, ref);
  }
}
