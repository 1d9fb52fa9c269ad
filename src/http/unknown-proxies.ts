import type { FastifyRequest } from 'fastify';
import type { Services } from '../services.ts';
import { loggedNetwork, parseAddress } from './client-key.ts';
import { trustFunction } from './trust-proxy.ts';

/** Names of TRUST_PROXY for addresses that are hardly a visitor's. */
const KINDS = ['loopback', 'private', 'cloudflare'] as const;

const BEHIND = 'all visitors behind it share the limits of one';

/**
 * Notices X-Forwarded-For of proxies that TRUST_PROXY does not name, and says so once: in the log and in /health. A visitor
 * can send that header too, so an address of the internet is only a guess, which a better one replaces.
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
    if (forwarded === undefined || this.#isCertain) return;
    // `ips` begins with the connection's own address and ends with the first that is not trusted.
    const believed = (ips?.length ?? 1) - 1;
    if (String(forwarded).split(',').length <= believed || !parseAddress(ip)) return;
    const kind = this.#kinds.find(({ has }) => has(ip, 0));
    if (kind) {
      this.#isCertain = true;
      if (this.#guess) this.#services.warnings.delete(this.#guess);
      this.#say(
        `X-Forwarded-For of the proxy ${ip} is not believed, so ${BEHIND}: name it in TRUST_PROXY, as \`${kind.name}\` or by its address`,
      );
    } else if (!this.#guess) {
      this.#guess = `X-Forwarded-For comes from ${loggedNetwork(ip)} and is not believed: if that is your proxy, ${BEHIND}, and TRUST_PROXY must name it`;
      this.#say(this.#guess);
    }
  }

  #say(text: string): void {
    this.#services.warnings.add(text);
    this.#services.log.warn(text);
  }
}
