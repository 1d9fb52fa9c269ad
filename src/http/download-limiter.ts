import type { FastifyReply, FastifyRequest } from 'fastify';
import { ServiceError } from '../errors.ts';
import { clientKey } from './request-context.ts';

export interface DownloadLimits {
  /** Files on their way at a time, in all; more are `busy`. */
  all: number;
  /** And for one client; null for no such cap. */
  each: number | null;
}

/**
 * A relay has two sockets and, its reader being slow, some 70 KB of memory: a thousand stay below 100 MB and far below
 * the 4,096 or more open files that a system allows. A browser opens 6 connections to a host, a download manager
 * 16 to 32.
 */
export const DOWNLOAD_LIMITS = { all: 1000, each: 32 } as const;

/** Who finds no slot is told to try again after this many seconds; most files are through by then. */
const RETRY_SECONDS = 5;

/** Admission of downloads, each counted from its request until its answer has ended, however it does. */
export class DownloadLimiter {
  readonly #caps: DownloadLimits;
  readonly #clients = new Map<string, number>();
  #taken = 0;

  constructor(caps: DownloadLimits) {
    this.#caps = caps;
  }

  get taken(): number {
    return this.#taken;
  }

  /**
   * @returns gives the slot back; more than once does nothing
   * @throws ServiceError `busy`
   */
  take(client: string): () => void {
    const own = this.#clients.get(client) ?? 0;
    const { all, each } = this.#caps;
    if (each !== null && own >= each) {
      const message = 'Too many downloads from one address at a time.';
      throw new ServiceError('busy', { message, retryAfter: RETRY_SECONDS });
    }
    if (this.#taken >= all) throw new ServiceError('busy', { retryAfter: RETRY_SECONDS });
    this.#taken += 1;
    this.#clients.set(client, own + 1);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#taken -= 1;
      const left = (this.#clients.get(client) ?? 1) - 1;
      if (left > 0) this.#clients.set(client, left);
      else this.#clients.delete(client);
    };
  }

  /** As a hook of a route: before anything is read or asked. */
  readonly hook = async (request: FastifyRequest, { raw }: FastifyReply): Promise<void> => {
    if (raw.destroyed) return;
    raw.once('close', this.take(clientKey(request)));
  };
}
