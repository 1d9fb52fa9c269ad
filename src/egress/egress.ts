import { createHash } from 'node:crypto';
import type { Secret } from '../secret.ts';
import { CircuitBreaker, type Clock } from './circuit-breaker.ts';

/** Posts in a row whose files the CDN refuses before the address counts as refused: a single dead link is no sign. */
const REFUSED_POSTS = 8;

/** One way to the internet: direct, or through a proxy. */
export class Egress {
  /** The same for the same proxy on every instance: links carry it. */
  readonly id: string;
  /** Host and port, without credentials: for logs and health. */
  readonly label: string;
  readonly proxy: Secret | null;
  readonly breaker: CircuitBreaker;
  /** Unix milliseconds of the last answer of TikTok; null before the first. */
  answeredAt: number | null = null;
  /** Jobs that TikTok refused. */
  refusals = 0;
  readonly #refusedPosts = new Set<string>();

  constructor(proxy: Secret | null, clock: Clock) {
    this.proxy = proxy;
    this.breaker = new CircuitBreaker(clock);
    const url = proxy?.reveal();
    this.id = url ? createHash('sha256').update(url).digest('base64url').slice(0, 6) : 'direct';
    this.label = url ? new URL(url).host : 'direct';
  }

  /** @returns whether this CDN response makes REFUSED_POSTS refusals in a row */
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
