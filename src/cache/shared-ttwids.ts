import type { TtwidStore } from '../extraction/index.ts';
import type { RedisStore } from './redis-store.ts';

/** Douyin's visitor ids in Redis, so that all instances of an egress present the same one. */
export function sharedTtwids(redis: RedisStore): TtwidStore {
  return {
    get: (egress) => redis.run((client) => client.get(`ttwid:${egress}`)),
    async set(egress, ttwid, ttlMs) {
      await redis.run((client) => client.set(`ttwid:${egress}`, ttwid, 'PX', ttlMs));
    },
  };
}
