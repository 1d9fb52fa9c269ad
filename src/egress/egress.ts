import { createHash } from 'node:crypto';
import type { Secret } from '../secret.ts';
import { CircuitBreaker, type Clock } from './circuit-breaker.ts';

/**
 * So many posts in a row whose files the CDN refuses: one refused link has died, eight of them are the address.
 * A single file that came between them would have shown that the address is fine.
 */
const REFUSED_POSTS = 8;

/** A way out of this machine: straight, or through a proxy. */
export class Egress {
  /** The same for the same proxy on every instance: links carry it. */
  readonly id: string;
  /** Host and port, without credentials: for logs and health. */
  readonly label: string;
  readonly proxy: Secret | null;
  readonly breaker: CircuitBreaker;
  /** Unix milliseconds of the last page that came this way; null before the first. */
  answeredAt: number | null = null;
  /** Jobs that TikTok refused this way. */
  refusals = 0;
  readonly #refusedPosts = new Set<string>();

  constructor(proxy: Secret | null, clock: Clock) {
    this.proxy = proxy;
    this.breaker = new CircuitBreaker(clock);
    const url = proxy?.reveal();
    this.id = url ? createHash('sha256').update(url).digest('base64url').slice(0, 6) : 'direct';
    this.label = url ? new URL(url).host : 'direct';
  }

  /** What the CDN answered for a file of a post; true where this one makes it a run of refusals. */
  sawMedia(post: string, status: number): boolean {
    if (status !== 403) {
      this.#refusedPosts.clear();
      return false;
    }
    this.#refusedPosts.add(post);
    if (this.#refusedPosts.size < REFUSED_POSTS) return false;
    this.#refusedPosts.clear();
    return true;
  }
}
