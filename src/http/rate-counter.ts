import { LRUCache } from 'lru-cache';
import type { RedisStore } from '../cache/index.ts';
import type { Network } from './client-key.ts';

/**
 * One round trip: adds the cost to each key and returns its count, then the milliseconds left of the first key's
 * window. A key without an expiry gets one.
 */
const ADD = `
local counts = {}
for i, key in ipairs(KEYS) do
  counts[i] = redis.call('incrby', key, ARGV[1])
  if redis.call('pttl', key) < 0 then redis.call('pexpire', key, ARGV[2]) end
end
counts[#counts + 1] = redis.call('pttl', KEYS[1])
return counts`;

export interface RateCount {
  /** The largest count of the client's networks, each divided by its factor. */
  current: number;
  /** Milliseconds until the window ends. */
  ttl: number;
}

/** Counts requests in windows of time: in Redis where there is one and it answers, in memory otherwise. */
export class RateCounter {
  readonly #shared: Pick<RedisStore, 'run'> | null;
  readonly #local: LRUCache<string, { count: number; endsAt: number }>;

  constructor(shared: Pick<RedisStore, 'run'> | null, maxClients: number) {
    this.#shared = shared;
    this.#local = new LRUCache({ max: maxClients });
  }

  /** @param kind what is counted; each kind has counts of its own */
  async add(kind: string, networks: readonly Network[], cost: number, windowMs: number): Promise<RateCount> {
    const shared = this.#shared && (await this.#addShared(kind, networks, cost, windowMs));
    return shared ?? this.#addLocal(kind, networks, cost, windowMs);
  }

  async #addShared(
    kind: string,
    networks: readonly Network[],
    cost: number,
    windowMs: number,
  ): Promise<RateCount | null> {
    // Braces: Redis Cluster keeps keys with the same tag on one node.
    const tag = networks.at(-1)?.key ?? '';
    const keys = networks.map(({ key }) => `limit:${kind}:{${tag}}:${key}`);
    const reply = await this.#shared?.run((redis) => redis.eval(ADD, keys.length, ...keys, cost, windowMs));
    if (!Array.isArray(reply)) return null;
    const counts = reply.map(Number);
    return { current: largest(networks, counts), ttl: counts.at(-1) ?? windowMs };
  }

  #addLocal(kind: string, networks: readonly Network[], cost: number, windowMs: number): RateCount {
    const now = Date.now();
    let endsAt = now + windowMs;
    const counts = networks.map(({ key }, index) => {
      const known = this.#local.get(`${kind}:${key}`);
      const window = known && known.endsAt > now ? known : { count: 0, endsAt: now + windowMs };
      window.count += cost;
      this.#local.set(`${kind}:${key}`, window);
      if (index === 0) endsAt = window.endsAt;
      return window.count;
    });
    return { current: largest(networks, counts), ttl: endsAt - now };
  }
}

function largest(networks: readonly Network[], counts: readonly number[]): number {
  return Math.max(...networks.map(({ factor }, index) => Math.ceil((counts[index] ?? 0) / factor)));
}
