import type { PostRef } from '../posts/post.ts';
import { type CacheEntry, decodeEntry, decodeRef } from './entry.ts';
import { type PostCache, TARGET_TTL_MS } from './memory-cache.ts';
import type { RedisStore } from './redis-store.ts';

/** Posts that all instances share. Every key has an end, so any maxmemory policy of Redis can make room. */
export class RedisCache implements PostCache {
  readonly #memory: RedisStore;

  constructor(memory: RedisStore) {
    this.#memory = memory;
  }

  async get(key: string): Promise<CacheEntry | null> {
    const entry = this.#read(await this.#memory.run((redis) => redis.get(`post:${key}`)), decodeEntry);
    return entry && entry.until > Date.now() ? entry : null;
  }

  async set(key: string, entry: CacheEntry): Promise<void> {
    const life = Math.floor(entry.until - Date.now());
    if (life <= 0) return;
    await this.#memory.run((redis) => redis.set(`post:${key}`, JSON.stringify(entry), 'PX', life));
  }

  async target(shortUrl: string): Promise<PostRef | null> {
    return this.#read(await this.#memory.run((redis) => redis.get(`short:${shortUrl}`)), decodeRef);
  }

  async setTarget(shortUrl: string, ref: PostRef): Promise<void> {
    await this.#memory.run((redis) =>
      redis.set(`short:${shortUrl}`, JSON.stringify(ref), 'PX', TARGET_TTL_MS),
    );
  }

  #read<T>(text: string | null, decode: (text: string) => T | null): T | null {
    if (text === null) return null;
    const value = decode(text);
    if (value === null) this.#memory.sawGarbage();
    return value;
  }
}
