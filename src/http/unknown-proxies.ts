import type { FastifyRequest } from 'fastify';
import type { Services } from '../services.ts';
import { loggedNetwork, parseAddress } from './client-key.ts';
import { trustFunction } from './trust-proxy.ts';

/** Names of TRUST_PROXY for addresses that are hardly a visitor's. */
const KINDS = ['loopback', 'private', 'cloudflare'] as const;

/** What a trusted proxy passes on of what it does not believe itself: our nginx, and any proxy behind Cloudflare. */
const UNVERIFIED = ['x-unverified-forwarded-for', 'cf-connecting-ip'];

const BEHIND = 'all visitors behind it share the limits of one';

/**
 * Notices proxies in front that are not named, in TRUST_PROXY or in the proxy before the service, and says so once: in the
 * log and in /health. A visitor can send the same headers, so an address of the internet is only a guess, which a better one
 * replaces.
 */
export class UnknownProxies {
  readonly #services: Pick<Services, 'log' | 'warnings'>;
  readonly #kinds = KINDS.map((name) => ({ name, has: trustFunction(name) }));
  #guess: string | null = null;
  #isCertain = false;

  constructor(services: Pick<Services, 'log' | 'warnings'>) {
    this.#services = services;
  }

  note({ headers, ip, ips }: Pick<FastifyRequest, 'headers' | 'ip' | 'ips'>): void {
    const forwarded = headers['x-forwarded-for'];
    if (forwarded === undefined || this.#isCertain || !parseAddress(ip)) return;
    // `ips` begins with the connection's own address and ends with the first that is not trusted.
    const believed = (ips?.length ?? 1) - 1;
    const isDropped = believed > 0 && UNVERIFIED.some((name) => tellsOther(headers[name], ip));
    if (!isDropped && listOf(forwarded).length <= believed) return;
    const kind = this.#kinds.find(({ has }) => has(ip, 0))?.name;
    const where = isDropped
      ? 'the proxy before the service must be told to believe it (docs/DEPLOY.md, TLS)'
      : `TRUST_PROXY must name it${kind ? `, as \`${kind}\` or by its address` : ''}`;
    if (kind) {
      this.#isCertain = true;
      if (this.#guess) this.#services.warnings.delete(this.#guess);
      this.#say(`what the proxy ${ip} forwards is not believed, so ${BEHIND}: ${where}`);
    } else if (!this.#guess) {
      this.#guess = `what ${loggedNetwork(ip)} forwards is not believed: if that is your proxy, ${BEHIND}, and ${where}`;
      this.#say(this.#guess);
    }
  }

  #say(text: string): void {
    this.#services.warnings.add(text);
    this.#services.log.warn(text);
  }
}

function listOf(header: string | string[]): string[] {
  return String(header)
    .split(',')
    .map((address) => address.trim());
}

/** Whether a header has addresses, and not the one that is believed. */
function tellsOther(header: string | string[] | undefined, ip: string): boolean {
  return header !== undefined && !listOf(header).includes(ip);
}
