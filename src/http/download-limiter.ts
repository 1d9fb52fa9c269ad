import type { FastifyReply, FastifyRequest } from 'fastify';
import { ServiceError } from '../errors.ts';
import { type Network, networksOf } from './client-key.ts';
import { NetworkCounter } from './network-counter.ts';

export interface DownloadLimits {
  /** Responses at a time, in all. */
  all: number;
  /** Responses at a time for one client; null for no limit. */
  each: number | null;
}

/** Retry-After where no slot is free, in seconds: most files take less. */
const RETRY_SECONDS = 5;

/** Bounds the responses of a kind that are under way, from the request until the end of the response. */
export class DownloadLimiter {
  readonly #all: number;
  readonly #clients: NetworkCounter;
  #taken = 0;

  constructor({ all, each }: DownloadLimits) {
    this.#all = all;
    this.#clients = new NetworkCounter(each);
  }

  get taken(): number {
    return this.#taken;
  }

  /**
   * @returns gives the slot back; more than once does nothing
   * @throws ServiceError `busy`
   */
  take(networks: readonly Network[]): () => void {
    if (this.#taken >= this.#all) throw new ServiceError('busy', { retryAfter: RETRY_SECONDS });
    const giveBack = this.#clients.take(networks);
    if (!giveBack) {
      const message = 'Too many downloads from one address at a time.';
      throw new ServiceError('busy', { message, retryAfter: RETRY_SECONDS });
    }
    this.#taken += 1;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#taken -= 1;
      giveBack();
    };
  }

  /** Route hook: takes a slot before anything is read or fetched. */
  readonly hook = async (request: FastifyRequest, { raw }: FastifyReply): Promise<void> => {
    if (raw.destroyed) return;
    raw.once('close', this.take(networksOf(request.ip)));
  };
}
