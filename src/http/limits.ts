import rateLimit, { type RateLimitOptions } from '@fastify/rate-limit';
import type { FastifyInstance } from 'fastify';
import { ServiceError } from '../errors.ts';
import { clientOf } from './client.ts';

const MINUTE_MS = 60_000;

/** Limits of the routes that cost work; `false` switches them off. All such routes share one count a client. */
export type WorkLimit = RateLimitOptions | false;

export function workLimit(perMinute: number): WorkLimit {
  if (perMinute === 0) return false;
  return {
    max: perMinute,
    timeWindow: MINUTE_MS,
    groupId: 'work',
    keyGenerator: clientOf,
    errorResponseBuilder: (_request, { ttl }) =>
      new ServiceError('rate_limited', { retryAfter: Math.max(1, Math.ceil(ttl / 1000)) }),
  };
}

export async function registerLimits(app: FastifyInstance): Promise<void> {
  await app.register(rateLimit, { global: false, enableDraftSpec: true });
}
