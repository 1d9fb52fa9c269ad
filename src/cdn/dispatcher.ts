import type { LookupFunction } from 'node:net';
import tls from 'node:tls';
import { Agent, type Dispatcher, Pool, ProxyAgent, Socks5ProxyAgent } from 'undici';

/** Limit for a TCP, TLS or proxy handshake. */
const CONNECT_TIMEOUT_MS = 10_000;

/** Long enough for a player's next range, and below the CDN's own idle limit. */
const KEEP_ALIVE_MS = 15_000;

/** Connections to an origin are unlimited (undici's default): each stream holds one, and downloads are limited. */
const POOL = { pipelining: 1, keepAliveTimeout: KEEP_ALIVE_MS, keepAliveMaxTimeout: 60_000 } as const;

export interface EgressOptions {
  /** URL of an http, https or socks5 proxy, credentials included; null connects directly. */
  proxy: string | null;
  /** PEM certificates trusted beside the default ones. */
  extraCa: readonly string[];
  /** Resolves the names of direct connections; a proxy resolves by itself. */
  lookup: LookupFunction;
}

/** Creates the pool of connections through which one egress reaches the CDN. */
export function createDispatcher({ proxy, extraCa, lookup }: EgressOptions): Dispatcher {
  // One context for all connections: with `ca`, Node parses all certificates for each of them.
  const trust =
    extraCa.length > 0
      ? { secureContext: tls.createSecureContext({ ca: [...defaultCertificates(), ...extraCa] }) }
      : {};
  const handshake = { ...trust, timeout: CONNECT_TIMEOUT_MS };
  if (proxy === null) {
    return new Agent({
      ...POOL,
      connect: { ...handshake, lookup, autoSelectFamily: true },
    });
  }
  const { uri, user, password } = splitCredentials(proxy);
  if (uri.protocol === 'socks5:') {
    // The types of undici 7.30 lack requestTls here; its code has it.
    const options = { ...POOL, requestTls: trust, username: user, password };
    return new Socks5ProxyAgent(uri, options);
  }
  return new ProxyAgent({
    ...POOL,
    uri: uri.href,
    ...(user === '' ? {} : { token: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` }),
    requestTls: handshake,
    proxyTls: handshake,
    // Without it, CONNECT waits five minutes for a silent proxy.
    clientFactory: (origin, options) => new Pool(origin, { ...options, headersTimeout: CONNECT_TIMEOUT_MS }),
  });
}

/** Separates the credentials from the URL, so that no error of undici quotes them. */
function splitCredentials(proxy: string): { uri: URL; user: string; password: string } {
  const uri = new URL(proxy.replace(/^socks5?h?:/i, 'socks5:'));
  const user = decodeURIComponent(uri.username);
  const password = decodeURIComponent(uri.password);
  uri.username = '';
  uri.password = '';
  uri.hash = '';
  return { uri, user, password };
}

/** Node's default certificates, including NODE_EXTRA_CA_CERTS from Node 22.15 on. */
function defaultCertificates(): readonly string[] {
  const newer: typeof tls & { getCACertificates?: (type: 'default') => string[] } = tls;
  return newer.getCACertificates?.('default') ?? tls.rootCertificates;
}
