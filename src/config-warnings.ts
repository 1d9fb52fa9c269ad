import type { Config } from './config.ts';

const LOOPBACK = /^(127\.|::1$|localhost$)/;

/** Settings that work and are probably not what the operator wants, in words: for the log and /health. */
export function configWarnings({ production, server, relay, egress }: Config): string[] {
  const warnings: string[] = [];
  if (production && server.baseUrl === null) {
    warnings.push('BASE_URL is not set: links begin with the address that each request comes to');
  }
  const { trustProxy, host } = server;
  if ((trustProxy === true || typeof trustProxy === 'number') && !LOOPBACK.test(host)) {
    warnings.push(
      `TRUST_PROXY=${trustProxy} trusts X-Forwarded-For of every client that reaches the port: set the proxy's addresses instead, such as TRUST_PROXY=loopback with HOST=127.0.0.1`,
    );
  }
  if (relay.delivery === 'nginx' && (egress.proxies.length > 0 || egress.gluetunUrl !== null)) {
    warnings.push(
      'DELIVERY=nginx has no effect with PROXY_URLS or GLUETUN_URL: nginx would use another address',
    );
  }
  return warnings;
}
