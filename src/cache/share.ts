import { Leases } from './leases.ts';
import type { SharedMemory } from './redis.ts';
import { RedisCache } from './redis-cache.ts';
import { SharedFlight } from './shared-flight.ts';
import type { PostCache } from './store.ts';

/** What all instances share of the posts: those that are known, and those that are being extracted. */
export interface SharedPosts {
  cache: PostCache;
  flight: SharedFlight;
}

/** Waiting in another instance's queue and a reconnect of its VPN, beside the extraction itself. */
const EXTRA_PATIENCE_MS = 60_000;

/** @param timeoutMs of one extraction */
export function sharePosts(memory: SharedMemory, timeoutMs: number): SharedPosts {
  return {
    cache: new RedisCache(memory),
    flight: new SharedFlight(new Leases(memory), timeoutMs + EXTRA_PATIENCE_MS),
  };
}
