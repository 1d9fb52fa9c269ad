import { LRUCache } from 'lru-cache';
import type { PostRef } from '../posts/post.ts';
import { type CacheEntry, decodeEntry, decodeRef, sizeOf } from './entry.ts';
import type { RedisStore } from './redis-store.ts';

/** Milliseconds that a short link's target is kept; it never changes. */
const TARGET_TTL_MS = 24 * 3_600_000;

/** JSON bytes of all local posts; as objects they take about twice that. */
const MAX_LOCAL_BYTES = 32 * 1024 * 1024;

/** Local targets of short links; one takes about 200 bytes. */
const MAX_LOCAL_TARGETS = 20_000;

/** Milliseconds that a copy of a shared post is used, as another instance may renew the post. */
const LOCAL_COPY_TTL_MS = 15_000;

/** Posts and targets of short links: in this process's memory first, then in Redis, where there is one. Never throws. */
export class TwoTierCache {
  readonly #posts = new LRUCache<string, CacheEntry>({ maxSize: MAX_LOCAL_BYTES, sizeCalculation: sizeOf });
  readonly #targets = new LRUCache<string, PostRef>({ max: MAX_LOCAL_TARGETS, ttl: TARGET_TTL_MS });
  readonly #redis: RedisStore | null;
  readonly #counts = { local: 0, redis: 0, missed: 0 };

  constructor(redis: RedisStore | null) {
    this.#redis = redis;
  }

  get status() {
    return {
      posts: this.#posts.size,
      hits: { memory: this.#counts.local, redis: this.#counts.redis },
      misses: this.#counts.missed,
    };
  }

  /** @param accept rejects an entry that is not good enough; a rejected local copy does not hide a shared one */
  async get(key: string, accept: (entry: CacheEntry) => boolean): Promise<CacheEntry | null> {
    const local = this.#posts.get(key);
    if (local && isFresh(local) && accept(local)) {
      this.#counts.local += 1;
      return local;
    }
    const shared = await this.#read(`post:${key}`, decodeEntry);
    if (!shared || !isFresh(shared) || !accept(shared)) {
      this.#counts.missed += 1;
      return null;
    }
    this.#counts.redis += 1;
    this.#setLocal(key, shared);
    return shared;
  }

  async set(key: string, entry: CacheEntry): Promise<void> {
    this.#setLocal(key, entry);
    await this.#write(`post:${key}`, entry, entry.until - Date.now());
  }

  /** The post that a short link leads to. */
  async target(shortUrl: string): Promise<PostRef | null> {
    const local = this.#targets.get(shortUrl);
    if (local) return local;
    const shared = await this.#read(`short:${shortUrl}`, decodeRef);
    if (shared) this.#targets.set(shortUrl, shared);
    return shared;
  }

  async setTarget(shortUrl: string, ref: PostRef): Promise<void> {
    this.#targets.set(shortUrl, ref);
    await this.#write(`short:${shortUrl}`, ref, TARGET_TTL_MS);
  }

  #setLocal(key: string, entry: CacheEntry): void {
    const until = this.#redis ? Math.min(entry.until, Date.now() + LOCAL_COPY_TTL_MS) : entry.until;
    this.#posts.set(key, { ...entry, until });
  }

  async #read<T>(key: string, decode: (text: string) => T | null): Promise<T | null> {
    const text = await this.#redis?.run((redis) => redis.get(key));
    if (typeof text !== 'string') return null;
    const value = decode(text);
    if (value === null) this.#redis?.countGarbage();
    return value;
  }

  /** Every key expires, so that Redis can make room under any maxmemory-policy. */
  async #write(key: string, value: unknown, lifeMs: number): Promise<void> {
    if (lifeMs < 1) return;
    await this.#redis?.run((redis) => redis.set(key, JSON.stringify(value), 'PX', Math.floor(lifeMs)));
  }
}

function isFresh({ until }: CacheEntry): boolean {
  return until > Date.now();
}
