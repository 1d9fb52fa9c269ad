import tls from 'node:tls';
import { Agent, type Dispatcher, Pool, ProxyAgent, Socks5ProxyAgent } from 'undici';
import { publicOnlyLookup, type Resolve } from './ssrf-guard.ts';

/** How long a TCP, TLS or proxy handshake may take, in milliseconds. */
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * A player's next range comes some seconds after the last one; the CDN's own idle limit is above this, so a kept
 * connection is seldom found dead.
 */
const KEEP_ALIVE_MS = 15_000;

/** No limit of connections for an origin (undici's default): each stream holds one, and the relay has its cap. */
const POOL = { pipelining: 1, keepAliveTimeout: KEEP_ALIVE_MS, keepAliveMaxTimeout: 60_000 } as const;

export interface EgressOptions {
  /** Address of an http, https or socks5 proxy, credentials included; null goes out directly. */
  proxy: string | null;
  /** PEM certificates trusted beside the default ones. */
  extraCa: readonly string[];
  /** Replaces the system's resolver, for direct connections only: behind a proxy the proxy resolves. */
  resolve?: Resolve | undefined;
}

/** The way out to the CDN: one set of kept connections. */
export function createDispatcher({ proxy, extraCa, resolve }: EgressOptions): Dispatcher {
  // One context for all connections: with `ca` in each, Node parses some 140 certificates for every connect.
  const trust =
    extraCa.length > 0
      ? { secureContext: tls.createSecureContext({ ca: [...defaultCertificates(), ...extraCa] }) }
      : {};
  const handshake = { ...trust, timeout: CONNECT_TIMEOUT_MS };
  if (proxy === null) {
    return new Agent({
      ...POOL,
      connect: { ...handshake, lookup: publicOnlyLookup(resolve), autoSelectFamily: true },
    });
  }
  const { uri, user, password } = splitCredentials(proxy);
  if (uri.protocol === 'socks5:') {
    // undici's types do not know requestTls here; its code does (7.30).
    const options = { ...POOL, requestTls: trust, username: user, password };
    return new Socks5ProxyAgent(uri, options);
  }
  return new ProxyAgent({
    ...POOL,
    uri: uri.href,
    ...(user === '' ? {} : { token: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` }),
    requestTls: handshake,
    proxyTls: handshake,
    // The client that sends CONNECT would wait five minutes for a proxy that says nothing.
    clientFactory: (origin, options) => new Pool(origin, { ...options, headersTimeout: CONNECT_TIMEOUT_MS }),
  });
}

/** The credentials are cut off the address, so that no error of undici's can quote them. */
function splitCredentials(proxy: string): { uri: URL; user: string; password: string } {
  const uri = new URL(proxy.replace(/^socks5?h?:/i, 'socks5:'));
  const user = decodeURIComponent(uri.username);
  const password = decodeURIComponent(uri.password);
  uri.username = '';
  uri.password = '';
  return { uri, user, password };
}

/** What Node trusts without being told, NODE_EXTRA_CA_CERTS included where it can say so (22.15 and later). */
function defaultCertificates(): readonly string[] {
  const newer: typeof tls & { getCACertificates?: (type: 'default') => string[] } = tls;
  return newer.getCACertificates?.('default') ?? tls.rootCertificates;
}
