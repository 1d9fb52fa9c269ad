import tls from 'node:tls';
import { Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis';

/** Counts up when the format of the values changes. */
const KEY_PREFIX = 'ttdl:1:';

/** Upper bound of the time between two attempts to connect, in milliseconds. */
export const MAX_RECONNECT_MS = 1000;

/** One server or a cluster: commands with one key work alike. */
export type RedisClient = Redis | Cluster;

/** Nothing waits for a connection: a command without one fails at once. */
const IMPATIENT = {
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  connectTimeout: 2000,
} satisfies RedisOptions;

/** Options that a server and a cluster share. */
const COMMON = {
  keyPrefix: KEY_PREFIX,
  lazyConnect: true,
  enableOfflineQueue: false,
  // One write to the socket for all commands of a turn of the event loop.
  enableAutoPipelining: true,
} satisfies RedisOptions & ClusterOptions;

const reconnectDelay = (attempt: number) => Math.min(50 * 2 ** attempt, MAX_RECONNECT_MS);

/**
 * A client that is not connected yet.
 * @param url a redis:// or rediss:// URL. A comma-separated list names nodes of a cluster: the first with scheme and
 *   credentials, the others as `host:port` or URLs
 * @param extraCa PEM certificates trusted besides the default ones
 */
export function createRedis(url: string, extraCa: readonly string[]): RedisClient {
  const [first = '', ...others] = url.split(',').map((node) => node.trim());
  const { protocol, username, password } = new URL(first);
  const secure = protocol === 'rediss:' ? { tls: { ca: [...defaultCertificates(), ...extraCa] } } : {};
  if (!url.includes(',')) {
    return new Redis(first, { ...COMMON, ...IMPATIENT, ...secure, retryStrategy: reconnectDelay });
  }
  const nodes = [first, ...others.filter(Boolean)].map((node) =>
    node.includes('://') ? new URL(node) : new URL(`redis://${node}`),
  );
  return new Cluster(
    nodes.map(({ hostname, port }) => ({ host: hostname, port: Number(port || 6379) })),
    {
      ...COMMON,
      clusterRetryStrategy: reconnectDelay,
      slotsRefreshTimeout: 2000,
      // Less than the time that a command may take.
      maxRedirections: 3,
      retryDelayOnFailover: 50,
      retryDelayOnClusterDown: 50,
      // Certificates name hosts, not addresses.
      ...(protocol === 'rediss:' && { dnsLookup: (host, done) => done(null, host) }),
      redisOptions: {
        ...IMPATIENT,
        ...secure,
        ...(username && { username: decodeURIComponent(username) }),
        ...(password && { password: decodeURIComponent(password) }),
      },
    },
  );
}

/** Includes NODE_EXTRA_CA_CERTS where Node can tell it (22.15 and later). */
function defaultCertificates(): readonly string[] {
  const newer: typeof tls & { getCACertificates?: (type: 'default') => string[] } = tls;
  return newer.getCACertificates?.('default') ?? tls.rootCertificates;
}
