import { networkInterfaces } from 'node:os';
import type { Logger } from 'pino';
import type { Clock } from './circuit-breaker.ts';
import type { Gluetun } from './gluetun.ts';

/** Between two looks at the control server. */
const EVERY_MS = 5000;

/** Failures of the control server for longer than this are reported; gluetun restarts within some seconds. */
const SILENT_MS = 15_000;

/**
 * How long the service outlives its network. gluetun must run again by then: Docker does not restart a container whose
 * network is that of a stopped one.
 */
const GONE_MS = 45_000;

export interface VpnWatchOptions {
  gluetun: Pick<Gluetun, 'status' | 'publicIp'>;
  /** While gluetun stops and starts the VPN for the service, its state says nothing. */
  isReconnecting: () => boolean;
  clock: Clock;
  log: Logger;
  /** Whether there is an interface other than the loopback. */
  hasNetwork?: () => boolean;
}

/**
 * Reads the state of the VPN again and again. Notices where gluetun was started anew without the service: the network that
 * both shared is gone then, for good.
 */
export class VpnWatch {
  readonly #options: Required<VpnWatchOptions>;
  #timer: NodeJS.Timeout | null = null;
  #status: string | null = null;
  #failing: { since: number; why: string } | null = null;
  #goneSince: number | null = null;
  #onGone = () => {};
  publicIp: string | null = null;
  /** Resolves when the network has been gone for so long that only a new start of the service helps. */
  readonly gone: Promise<void> = new Promise((resolve) => {
    this.#onGone = resolve;
  });

  constructor(options: VpnWatchOptions) {
    this.#options = { hasNetwork: hasOtherThanLoopback, ...options };
  }

  /** Whether nothing can reach the service any more, nor it anything. */
  get isNetworkGone(): boolean {
    return this.#goneSince !== null;
  }

  /** What is wrong, in words; null where nothing is. */
  get problem(): string | null {
    if (this.isNetworkGone) {
      return 'the network is gone, because gluetun was started anew without this service: it ends soon, to be restarted into the new network';
    }
    const { clock, isReconnecting } = this.#options;
    if (this.#failing) {
      const { since, why } = this.#failing;
      return clock.now() - since >= SILENT_MS ? `the VPN cannot be watched: ${why}` : null;
    }
    const isDown = this.#status !== null && this.#status !== 'running' && !isReconnecting();
    return isDown ? `the VPN is ${this.#status}` : null;
  }

  /** Looks from now on, until `stop`. */
  start(): void {
    const next = () => {
      this.#timer = setTimeout(() => void this.look().then(next), EVERY_MS).unref();
    };
    void this.look().then(next);
  }

  stop(): void {
    if (this.#timer) clearTimeout(this.#timer);
  }

  async look(): Promise<void> {
    const { gluetun, isReconnecting, log } = this.#options;
    if (isReconnecting()) return;
    try {
      const status = await gluetun.status();
      if (isReconnecting()) return;
      this.#status = status;
      const address = (await gluetun.publicIp()) || null;
      if (address !== this.publicIp) log.info({ address }, 'address of the VPN');
      this.publicIp = address;
      this.#failing = null;
      this.#goneSince = null;
    } catch (err) {
      this.#noteFailure(err as Error);
    }
  }

  #noteFailure(err: Error): void {
    const { clock, log, hasNetwork } = this.#options;
    const now = clock.now();
    if (!this.#failing) log.warn({ err }, 'the control server of the VPN fails');
    this.#failing = { since: this.#failing?.since ?? now, why: err.message };
    if (hasNetwork()) {
      this.#goneSince = null;
      return;
    }
    if (this.#goneSince === null) log.error('the network is gone: gluetun was started anew');
    this.#goneSince ??= now;
    if (now - this.#goneSince >= GONE_MS) this.#onGone();
  }
}

function hasOtherThanLoopback(): boolean {
  return Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ internal }) => !internal));
}
