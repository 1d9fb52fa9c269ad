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
  const limitOf = (request: FastifyRequest) => limitFor(request, perMinute) ?? 0;
  return {
    max: limitOf,
    allowList: (request) => limitOf(request) === 0,
    timeWindow: MINUTE_MS,
    // The plugin's keys are strings.
    keyGenerator: (request) => JSON.stringify(countedAs(request)),
    errorResponseBuilder: (_request, { ttl }) => rateLimited(ttl),
  };
}

/** Counts requests of routes with `rateLimitOptions`, and sends RateLimit-* headers. */
export async function registerRateLimits(app: FastifyInstance, counter: RateCounter): Promise<void> {
  await app.register(rateLimit, { global: false, enableDraftSpec: true, store: pluginStore(counter) });
}

/** Counts what the plugin cannot: several of one request, each as much as it costs. */
export class ClientRate {
  readonly #counter: RateCounter;
  readonly #kind: 'work' | 'downloads';
  readonly #perMinute: number | null;

  /**
   * @param kind `work` shares its count with the routes that have `rateLimitOptions`
   * @param perMinute for one client; null for no limit
   */
  constructor(counter: RateCounter, kind: 'work' | 'downloads', perMinute: number | null) {
    this.#counter = counter;
    this.#kind = kind;
    this.#perMinute = perMinute;
  }

  /**
   * @returns what is left of the limit; null where there is none, or nothing was counted
   * @throws ServiceError `rate_limited`
   */
  async count(request: FastifyRequest, cost = 1): Promise<number | null> {
    const max = limitFor(request, this.#perMinute);
    if (!max || cost === 0) return null;
    const limit = { kind: this.#kind, max, windowMs: MINUTE_MS };
    const { current, ttl } = await this.#counter.add(countedAs(request), cost, limit);
    if (current > max) throw rateLimited(ttl);
    return max - current;
  }
}

/**
 * Null for no limit, as 0 of a key.
 * @param perMinute for a client, and for an API key without a limit of its own
 */
function limitFor({ apiKey }: FastifyRequest, perMinute: number | null): number | null {
  return (apiKey?.perMinute ?? perMinute) || null;
}

/** An API key is one client wherever it is used. */
function countedAs({ apiKey, ip }: FastifyRequest): readonly Network[] {
  return apiKey ? [{ key: `key ${apiKey.name}`, factor: 1 }] : networksOf(ip);
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
