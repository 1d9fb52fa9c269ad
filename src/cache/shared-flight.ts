import { setTimeout as sleep } from 'node:timers/promises';
import { ERRORS, type ErrorCode, ServiceError } from '../errors.ts';
import type { Lease, Leases } from './leases.ts';

/** Polling beats pub/sub here: no second connection, and no message that can be missed while Redis restarts. */
const FIRST_PAUSE_MS = 20;
const PAUSE_GROWTH = 1.5;
const MAX_PAUSE_MS = 200;

/** A lease that is never to be had and never held by anybody is no lease but something that lies under its key. */
const MAX_TRIES = 3;

/**
 * Failures that are the same wherever the work is done. The others are about one instance: its queue, its address,
 * its visitors that went; another one may do better.
 */
const SHARED_FAILURES: ReadonlySet<string> = new Set<ErrorCode>([
  'post_not_found',
  'post_private',
  'extractor_outdated',
  'upstream_failed',
  'timeout',
]);

export interface SharedWork<T> {
  /** What another instance has published; null for nothing. May throw what it has published. */
  look(): Promise<T | null>;
  /** Does it, and publishes the result. */
  work(): Promise<T>;
}

/** One piece of work for one key at a time, over all instances: one works, the others wait for what it publishes. */
export class SharedFlight {
  readonly #leases: Leases;
  readonly #patienceMs: number;
  /** Times that this instance waited for another one's work. */
  waits = 0;

  /** @param patienceMs for which another instance is waited for, however alive it is */
  constructor(leases: Leases, patienceMs: number) {
    this.#leases = leases;
    this.#patienceMs = patienceMs;
  }

  /** @throws what `work` or `look` throw, here or on the instance that worked; the signal's reason */
  async run<T>(key: string, { look, work }: SharedWork<T>, signal: AbortSignal): Promise<T> {
    const end = Date.now() + this.#patienceMs;
    for (let tries = 0; tries < MAX_TRIES && Date.now() < end; tries += 1) {
      const lease = await this.#leases.take(key);
      if (lease === null) break;
      if (lease !== 'taken') return lead(lease, { look, work });
      if (tries === 0) this.waits += 1;
      const published = await this.#follow(key, look, end, signal);
      if (published !== null) return published;
    }
    return work();
  }

  /** Waits until there is a result, or nobody who works for it. */
  async #follow<T>(
    key: string,
    look: () => Promise<T | null>,
    end: number,
    signal: AbortSignal,
  ): Promise<T | null> {
    let holder: string | null = null;
    for (let pause = FIRST_PAUSE_MS; Date.now() < end; pause = Math.min(pause * PAUSE_GROWTH, MAX_PAUSE_MS)) {
      const [published, state] = await Promise.all([look(), this.#leases.state(key)]);
      signal.throwIfAborted();
      if (published !== null) return published;
      if (state?.failure && state.failure.holder === holder) throw toError(state.failure.code);
      if (!state?.holder) return null;
      holder = state.holder;
      await sleep(pause, undefined, { signal });
    }
    return null;
  }
}

async function lead<T>(lease: Lease, { look, work }: SharedWork<T>): Promise<T> {
  let failure: string | undefined;
  try {
    // Published between our look into the cache and the lease?
    return (await look()) ?? (await work());
  } catch (error) {
    if (error instanceof ServiceError && SHARED_FAILURES.has(error.code)) failure = error.code;
    throw error;
  } finally {
    await lease.release(failure);
  }
}

function toError(code: string): ServiceError {
  return new ServiceError(Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : 'internal', {
    cause: new Error('another instance met this failure'),
  });
}
