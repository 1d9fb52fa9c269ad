import type { Logger } from 'pino';
import type { Secret } from '../secret.ts';
import { type Clock, SYSTEM_CLOCK } from './circuit-breaker.ts';
import { Gluetun, type Target } from './gluetun.ts';
import { VpnWatch } from './vpn-watch.ts';

/**
 * Milliseconds between two reconnects. Each one breaks all downloads in progress, and providers limit new sessions. The
 * new address may be refused as well, so the second attempt comes soon and later ones wait longer.
 */
const FIRST_COOL_DOWN_MS = 10_000;
const MAX_COOL_DOWN_MS = 10 * 60_000;

/** After an address has worked for this long, waits start over. */
const GOOD_FOR_MS = 10 * 60_000;

export interface VpnOptions {
  gluetun: Pick<Gluetun, 'status' | 'publicIp' | 'reconnect'>;
  clock: Clock;
  log: Logger;
}

/** Takes a new address through the VPN when the old one is refused: one reconnect at a time, and not too often. */
export class Vpn {
  readonly #gluetun: VpnOptions['gluetun'];
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly watch: VpnWatch;
  #running: Promise<boolean> | null = null;
  #notBefore = 0;
  #attempts = 0;
  #lastEnd = 0;
  /** The last reconnect failed, and may have left the tunnel down; until something is answered through it. */
  broken = false;
  /** Completed since the start. */
  reconnects = 0;
  failures = 0;

  constructor({ gluetun, clock, log }: VpnOptions) {
    this.#gluetun = gluetun;
    this.#clock = clock;
    this.#log = log;
    this.watch = new VpnWatch({ gluetun, isReconnecting: () => this.reconnecting, clock, log });
  }

  get reconnecting(): boolean {
    return this.#running !== null;
  }

  /** Something was answered through the tunnel. */
  works(): void {
    this.broken = false;
  }

  /** Resolves when no reconnect is under way (any more). */
  async settled(): Promise<void> {
    await this.#running;
  }

  /** Joins the reconnect under way or begins one; false where it failed, or the last one is too recent. */
  async renew(): Promise<boolean> {
    if (this.#running) return this.#running;
    const now = this.#clock.now();
    if (now < this.#notBefore) return false;
    this.#running = this.#reconnect(now).finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #reconnect(began: number): Promise<boolean> {
    if (began - this.#lastEnd > GOOD_FOR_MS) this.#attempts = 0;
    const coolDown = Math.min(FIRST_COOL_DOWN_MS * 2 ** this.#attempts, MAX_COOL_DOWN_MS);
    this.#attempts += 1;
    this.#log.warn({ address: this.watch.publicIp }, 'TikTok refuses the address of the VPN: reconnecting');
    try {
      await this.#gluetun.reconnect();
      this.reconnects += 1;
      this.broken = false;
      this.#log.info({ ms: this.#clock.now() - began }, 'the VPN is back');
      return true;
    } catch (err) {
      this.failures += 1;
      this.broken = true;
      this.#log.error({ err }, 'the VPN could not be reconnected');
      return false;
    } finally {
      this.#lastEnd = this.#clock.now();
      this.#notBefore = this.#lastEnd + coolDown;
    }
  }
}

const TIKTOK: Target = ['www.tiktok.com', 443];

/**
 * The VPN of GLUETUN_URL; null where there is none. It is watched, and not waited for.
 * @param proxies of PROXY_URLS: one of them, or TikTok where there are none, answers through a tunnel that works
 */
export function openVpn(
  url: string | null,
  apiKey: Secret | null,
  proxies: readonly Secret[],
  log: Logger,
): Vpn | null {
  if (url === null) return null;
  const targets = proxies.length > 0 ? proxies.map(addressOf) : [TIKTOK];
  const vpn = new Vpn({ gluetun: new Gluetun(url, apiKey, targets), clock: SYSTEM_CLOCK, log });
  vpn.watch.start();
  return vpn;
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

function addressOf(proxy: Secret): Target {
  const { hostname, port, protocol } = new URL(proxy.reveal());
  // IPv6 is in brackets in a URL.
  return [hostname.replace(/^\[|\]$/g, ''), Number(port) || (DEFAULT_PORTS[protocol] ?? 1080)];
}
