import rateLimit, { type FastifyRateLimitStoreCtor, type RateLimitOptions } from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ServiceError } from '../errors.ts';
import { type Network, networksOf } from './client-key.ts';
import type { RateCounter } from './rate-counter.ts';

const MINUTE_MS = 60_000;

/**
 * Limits of the routes that cost work; all of them share one count.
 * @param perMinute for one client, or for an API key without a limit of its own; null for no limit
 */
export function rateLimitOptions(perMinute: number | null): RateLimitOptions {
  return {
    max: (request) => workLimit(request, perMinute),
    allowList: (request) => workLimit(request, perMinute) === 0,
    timeWindow: MINUTE_MS,
    // The plugin's keys are strings.
    keyGenerator: (request) => JSON.stringify(countedAs(request)),
    errorResponseBuilder: (_request, { ttl }) => rateLimited(ttl),
  };
}

/** 0 for no limit. */
function workLimit({ apiKey }: FastifyRequest, perMinute: number | null): number {
  return apiKey?.perMinute ?? perMinute ?? 0;
}

/** An API key counts by itself, wherever it is used. */
function countedAs({ apiKey, ip }: FastifyRequest): readonly Network[] {
  return apiKey ? [{ key: `key ${apiKey.name}`, factor: 1 }] : networksOf(ip);
}

/** Counts requests of routes with `rateLimitOptions`, and sends RateLimit-* headers. */
export async function registerRateLimits(app: FastifyInstance, counter: RateCounter): Promise<void> {
  await app.register(rateLimit, { global: false, enableDraftSpec: true, store: pluginStore(counter) });
}

/** Counts downloads: each request is one, and a zip as many as it has photos. */
export class DownloadRate {
  readonly #counter: RateCounter;
  readonly #perMinute: number | null;

  /** @param perMinute for one client; null for no limit */
  constructor(counter: RateCounter, perMinute: number | null) {
    this.#counter = counter;
    this.#perMinute = perMinute;
  }

  /** @throws ServiceError `rate_limited` */
  async count({ ip }: FastifyRequest, files = 1): Promise<void> {
    if (this.#perMinute === null || files === 0) return;
    const max = this.#perMinute;
    const limit = { kind: 'downloads', max, windowMs: MINUTE_MS };
    const { current, ttl } = await this.#counter.add(networksOf(ip), files, limit);
    if (current > max) throw rateLimited(ttl);
  }
}

function rateLimited(ttlMs: number): ServiceError {
  return new ServiceError('rate_limited', { retryAfter: Math.max(1, Math.ceil(ttlMs / 1000)) });
}

/** The plugin's own Redis store lets everybody pass while Redis is gone; RateCounter counts in memory then. */
function pluginStore(counter: RateCounter): FastifyRateLimitStoreCtor {
  return class Store {
    incr(
      key: string,
      done: (error: Error | null, count?: { current: number; ttl: number }) => void,
      windowMs: number,
      max: number,
    ): void {
      counter.add(JSON.parse(key) as Network[], 1, { kind: 'work', max, windowMs }).then(
        (count) => done(null, count),
        (error) => done(error),
      );
    }

    child(): Store {
      return this;
    }
  };
}
