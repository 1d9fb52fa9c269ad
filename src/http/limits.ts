import rateLimit, { type FastifyRateLimitStoreCtor, type RateLimitOptions } from '@fastify/rate-limit';
import type { FastifyInstance } from 'fastify';
import { LRUCache } from 'lru-cache';
import type { RedisStore } from '../cache/index.ts';
import { ServiceError } from '../errors.ts';
import { clientKey } from './request-context.ts';

const MINUTE_MS = 60_000;

/** Clients that are counted in this process's memory; the one not seen for longest is forgotten first. */
const MAX_CLIENTS = 20_000;

/** One trip: counts, and answers with the count and the milliseconds left. A count without an end gets one. */
const COUNT = `
local count = redis.call('incr', KEYS[1])
local left = redis.call('pttl', KEYS[1])
if left < 0 then
  left = tonumber(ARGV[1])
  redis.call('pexpire', KEYS[1], left)
end
return {count, left}`;

/** Limits of the routes that cost work; `false` switches them off. All such routes share one count a client. */
export type WorkLimit = RateLimitOptions | false;

export function rateLimitOptions(perMinute: number): WorkLimit {
  if (perMinute === 0) return false;
  return {
    max: perMinute,
    timeWindow: MINUTE_MS,
    groupId: 'work',
    keyGenerator: clientKey,
    errorResponseBuilder: (_request, { ttl }) =>
      new ServiceError('rate_limited', { retryAfter: Math.max(1, Math.ceil(ttl / 1000)) }),
  };
}

export async function registerRateLimits(app: FastifyInstance, shared: RedisStore | null): Promise<void> {
  await app.register(rateLimit, { global: false, enableDraftSpec: true, store: limitStore(shared) });
}

interface Count {
  current: number;
  /** Milliseconds until it begins anew. */
  ttl: number;
}

/** The plugin's own Redis store lets everybody pass while Redis is gone; this one counts by itself then. */
function limitStore(shared: RedisStore | null): FastifyRateLimitStoreCtor {
  const own = new LRUCache<string, { current: number; ends: number }>({ max: MAX_CLIENTS });
  const countHere = (key: string, windowMs: number): Count => {
    const now = Date.now();
    let count = own.get(key);
    if (!count || count.ends <= now) {
      count = { current: 0, ends: now + windowMs };
      own.set(key, count);
    }
    count.current += 1;
    return { current: count.current, ttl: count.ends - now };
  };
  const countThere = async (key: string, windowMs: number): Promise<Count | null> => {
    const answer = await shared?.run((redis) => redis.eval(COUNT, 1, `limit:${key}`, windowMs));
    if (!Array.isArray(answer)) return null;
    return { current: Number(answer[0]), ttl: Number(answer[1]) };
  };
  return class Store {
    incr(key: string, done: (error: Error | null, count?: Count) => void, windowMs: number): void {
      if (!shared) {
        done(null, countHere(key, windowMs));
        return;
      }
      countThere(key, windowMs).then(
        (count) => done(null, count ?? countHere(key, windowMs)),
        (error) => done(error),
      );
    }

    child(): Store {
      return this;
    }
  };
}
