import type { Logger } from 'pino';
import type { Secret } from '../secret.ts';
import { type Clock, SYSTEM_CLOCK } from './circuit-breaker.ts';
import { Gluetun } from './gluetun.ts';

/**
 * Milliseconds between two reconnects. Each one breaks all downloads in progress, and providers limit new sessions. The
 * new address may be refused as well, so the second attempt comes soon and later ones wait longer.
 */
const FIRST_COOL_DOWN_MS = 10_000;
const MAX_COOL_DOWN_MS = 10 * 60_000;

/** After an address has worked for this long, waits start over. */
const GOOD_FOR_MS = 10 * 60_000;

/** Takes a new address through the VPN when the old one is refused: one reconnect at a time, and not too often. */
export class Vpn {
  readonly #gluetun: Pick<Gluetun, 'publicIp' | 'reconnect'>;
  readonly #clock: Clock;
  readonly #log: Logger;
  #running: Promise<boolean> | null = null;
  #notBefore = 0;
  #attempts = 0;
  #lastEnd = 0;
  /** The last reconnect failed, and may have left the tunnel down. */
  broken = false;
  /** Completed since the start. */
  reconnects = 0;
  failures = 0;
  publicIp: string | null = null;

  constructor(gluetun: Pick<Gluetun, 'publicIp' | 'reconnect'>, clock: Clock, log: Logger) {
    this.#gluetun = gluetun;
    this.#clock = clock;
    this.#log = log;
  }

  get reconnecting(): boolean {
    return this.#running !== null;
  }

  /** Reads the address, for /health. */
  async readAddress(): Promise<void> {
    try {
      this.publicIp = (await this.#gluetun.publicIp()) || null;
    } catch (err) {
      this.#log.warn({ err }, 'the VPN control server does not report the address');
    }
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
    const former = this.publicIp;
    this.#log.warn({ address: former }, 'TikTok refuses the address of the VPN: reconnecting');
    try {
      this.publicIp = await this.#gluetun.reconnect(former);
      this.reconnects += 1;
      this.broken = false;
      const ms = this.#clock.now() - began;
      this.#log.info({ address: this.publicIp, changed: this.publicIp !== former, ms }, 'the VPN is back');
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

/** The VPN of GLUETUN_URL; null where there is none. Its address is read for /health, and not waited for. */
export function openVpn(url: string | null, apiKey: Secret | null, log: Logger): Vpn | null {
  if (url === null) return null;
  const vpn = new Vpn(new Gluetun(url, apiKey), SYSTEM_CLOCK, log);
  void vpn.readAddress();
  return vpn;
}
