import { LRUCache } from 'lru-cache';
import type { Post } from '../posts/post.ts';

/** Where posts are kept between requests. */
export interface PostCache {
  get(key: string): Promise<Post | null>;
  set(key: string, post: Post, ttlMs: number): Promise<void>;
}

/** A post is some ten kilobytes as an object: this many are some 50 MB at the most. */
const MAX_POSTS = 5000;

/** The default cache: this process's memory, bounded. */
export class MemoryCache implements PostCache {
  readonly #posts = new LRUCache<string, Post>({ max: MAX_POSTS });

  async get(key: string): Promise<Post | null> {
    return this.#posts.get(key) ?? null;
  }

  async set(key: string, post: Post, ttlMs: number): Promise<void> {
    this.#posts.set(key, post, { ttl: ttlMs });
  }
}
