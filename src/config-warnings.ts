import type { Config } from './config.ts';
import { availableMemory, defaultWorkers, MAX_DEFAULT_WORKERS } from './memory.ts';

const LOOPBACK = /^(127\.|::1$|localhost$)/;

/** Settings that work and are probably not what the operator wants, in words: for the log and /health. */
export function configWarnings(
  { production, server, relay, egress, extraction }: Config,
  memory = availableMemory(),
): string[] {
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
  const { maxWorkers } = extraction;
  const fitting = defaultWorkers(memory);
  if (fitting < MAX_DEFAULT_WORKERS && maxWorkers >= fitting) {
    const found = `${Math.floor(memory / 1024 / 1024)} MB of memory are enough for ${fitting} workers beside one render`;
    warnings.push(
      maxWorkers === fitting
        ? `${found}: MAX_WORKERS is ${fitting}, and ${MAX_DEFAULT_WORKERS} with 1 GB`
        : `${found}, and MAX_WORKERS is ${maxWorkers}: the kernel may kill the service`,
    );
  }
  return warnings;
}
