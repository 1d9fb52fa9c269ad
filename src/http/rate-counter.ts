import { LRUCache } from 'lru-cache';
import type { RedisStore } from '../cache/index.ts';
import type { Network } from './client-key.ts';

/**
 * One round trip. Adds the cost to the count of each network, narrowest first, and stops at one beyond its limit: what
 * is rejected there does not count for its neighbours. Returns the count, divided by the network's factor, and the
 * milliseconds left. A key without an expiry gets one.
 */
const ADD = `
local largest, left = 0, 0
for i, key in ipairs(KEYS) do
  local count = redis.call('incrby', key, ARGV[1])
  local ttl = redis.call('pttl', key)
  if ttl < 0 then
    ttl = tonumber(ARGV[2])
    redis.call('pexpire', key, ttl)
  end
  count = math.ceil(count / tonumber(ARGV[3 + i]))
  if count > largest then largest, left = count, ttl end
  if count > tonumber(ARGV[3]) then break end
end
return {largest, left}`;

export interface RateCount {
  /** The largest count of the client's networks, each divided by its factor. */
  current: number;
  /** Milliseconds until the window of that network ends. */
  ttl: number;
}

export interface RateLimit {
  /** What is counted; each kind has counts of its own. */
  kind: string;
  /** For a network of factor 1. */
  max: number;
  windowMs: number;
}

/** Counts requests in windows of time: in Redis where there is one and it answers, in memory otherwise. */
export class RateCounter {
  readonly #shared: Pick<RedisStore, 'run'> | null;
  readonly #local: LRUCache<string, { count: number; endsAt: number }>;

  constructor(shared: Pick<RedisStore, 'run'> | null, maxClients: number) {
    this.#shared = shared;
    this.#local = new LRUCache({ max: maxClients });
  }

  /** @param networks narrowest first */
  async add(networks: readonly Network[], cost: number, limit: RateLimit): Promise<RateCount> {
    return (await this.#addShared(networks, cost, limit)) ?? this.#addLocal(networks, cost, limit);
  }

  async #addShared(networks: readonly Network[], cost: number, limit: RateLimit): Promise<RateCount | null> {
    if (!this.#shared) return null;
    // Braces: Redis Cluster keeps keys with the same tag on one node.
    const tag = networks.at(-1)?.key ?? '';
    const keys = networks.map(({ key }) => `limit:${limit.kind}:{${tag}}:${key}`);
    const factors = networks.map(({ factor }) => factor);
    const reply = await this.#shared.run((redis) =>
      redis.eval(ADD, keys.length, ...keys, cost, limit.windowMs, limit.max, ...factors),
    );
    if (!Array.isArray(reply)) return null;
    return { current: Number(reply[0]), ttl: Number(reply[1]) };
  }

  #addLocal(networks: readonly Network[], cost: number, { kind, max, windowMs }: RateLimit): RateCount {
    const now = Date.now();
    let most: RateCount = { current: 0, ttl: windowMs };
    for (const { key, factor } of networks) {
      const known = this.#local.get(`${kind}:${key}`);
      const window = known && known.endsAt > now ? known : { count: 0, endsAt: now + windowMs };
      window.count += cost;
      this.#local.set(`${kind}:${key}`, window);
      const current = Math.ceil(window.count / factor);
      if (current > most.current) most = { current, ttl: window.endsAt - now };
      if (current > max) break;
    }
    return most;
  }
}
