import { ServiceError } from '../errors.ts';

interface Waiting {
  start(): void;
  reject(): void;
  client: string;
}

export interface FairQueueOptions {
  /** Jobs that run at a time. */
  slots: number;
  /** Jobs that wait; more are rejected with `busy`. Infinity by default. */
  maxWaiting?: number;
  /** Bounds of one client; none by default. */
  perClient?: ClientBounds;
}

export interface ClientBounds {
  /** Jobs that run at a time; the client's others wait, also while slots are free. */
  running: number;
  /** Jobs that run or wait; more are rejected with `busy`. */
  total: number;
}

/** Weight of the newest job in the running mean of durations; about 20 jobs count. */
const SMOOTHING = 0.05;

/** Upper bound for Retry-After, in milliseconds. */
const MAX_RETRY_AFTER_MS = 60_000;

/**
 * Runs `slots` jobs, queues `maxWaiting` and rejects the rest with `busy`. Clients take turns; a full queue drops the
 * newest job of the client with the most waiting jobs in favour of a client with fewer.
 */
export class FairQueue {
  readonly slots: number;
  readonly #maxWaiting: number;
  readonly #perClient: ClientBounds;
  /** Waiting jobs by client, in order of turns: a client that is served goes to the end. */
  readonly #turns = new Map<string, Waiting[]>();
  /** Running jobs by client. */
  readonly #running = new Map<string, number>();
  #active = 0;
  #waiting = 0;
  #meanMs = 1000;
  /** Latest Retry-After time given out, by performance.now(). */
  #promised = 0;

  constructor({ slots, maxWaiting = Number.POSITIVE_INFINITY, perClient }: FairQueueOptions) {
    this.slots = slots;
    this.#maxWaiting = maxWaiting;
    this.#perClient = perClient ?? { running: slots, total: Number.POSITIVE_INFINITY };
  }

  get active(): number {
    return this.#active;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** Expected seconds until a job that arrives now starts; at least 1. */
  get expectedWait(): number {
    return Math.max(1, Math.ceil(this.#drainMs() / 1000));
  }

  /**
   * Runs the work when the client's turn comes.
   * @param signal frees the place in the queue; a job that has started is not affected
   * @throws ServiceError `busy`; the signal's reason; what the work throws
   */
  async run<T>(client: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.#admit(client, signal);
    const started = performance.now();
    try {
      return await work();
    } finally {
      this.#meanMs += (performance.now() - started - this.#meanMs) * SMOOTHING;
      this.#leave(client);
      this.#next();
    }
  }

  #admit(client: string, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    const running = this.#running.get(client) ?? 0;
    const waiting = this.#turns.get(client)?.length ?? 0;
    if (running + waiting >= this.#perClient.total) throw this.#tooManyOfOne();
    if (this.#active < this.slots && running < this.#perClient.running) {
      this.#enter(client);
      return Promise.resolve();
    }
    if (this.#waiting >= this.#maxWaiting && !this.#makeRoom(client)) throw this.#busy();
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#remove(entry);
        reject(signal?.reason);
      };
      const entry: Waiting = {
        client,
        start: () => {
          signal?.removeEventListener('abort', leave);
          resolve();
        },
        reject: () => {
          signal?.removeEventListener('abort', leave);
          reject(this.#busy());
        },
      };
      signal?.addEventListener('abort', leave, { once: true });
      const own = this.#turns.get(client);
      if (own) own.push(entry);
      else this.#turns.set(client, [entry]);
      this.#waiting += 1;
    });
  }

  #next(): void {
    for (const [client, own] of this.#turns) {
      if ((this.#running.get(client) ?? 0) >= this.#perClient.running) continue;
      const entry = own.shift();
      this.#turns.delete(client);
      if (own.length > 0) this.#turns.set(client, own);
      this.#waiting -= 1;
      this.#enter(client);
      entry?.start();
      return;
    }
  }

  #enter(client: string): void {
    this.#active += 1;
    this.#running.set(client, (this.#running.get(client) ?? 0) + 1);
  }

  #leave(client: string): void {
    this.#active -= 1;
    const left = (this.#running.get(client) ?? 1) - 1;
    if (left > 0) this.#running.set(client, left);
    else this.#running.delete(client);
  }

  /** Drops the newest job of the client with the most, where that client keeps at least as many as the newcomer has. */
  #makeRoom(client: string): boolean {
    let most: Waiting[] = [];
    for (const own of this.#turns.values()) if (own.length > most.length) most = own;
    const newest = most.at(-1);
    if (!newest || most.length <= (this.#turns.get(client)?.length ?? 0) + 1) return false;
    this.#remove(newest);
    newest.reject();
    return true;
  }

  /** Rejected clients get increasing Retry-After values, so that retries do not arrive together. */
  #busy(): ServiceError {
    const now = performance.now();
    const paceMs = Math.max(this.#meanMs / this.slots, 1000 / (this.slots + this.#maxWaiting));
    const first = now + this.#drainMs() / 2;
    this.#promised = Math.min(Math.max(this.#promised + paceMs, first), now + MAX_RETRY_AFTER_MS);
    return new ServiceError('busy', { retryAfter: Math.max(1, Math.ceil((this.#promised - now) / 1000)) });
  }

  #tooManyOfOne(): ServiceError {
    const message = 'Too many files are being prepared for one address at a time.';
    const retryMs = Math.min(this.#meanMs, MAX_RETRY_AFTER_MS);
    return new ServiceError('busy', { message, retryAfter: Math.max(1, Math.ceil(retryMs / 1000)) });
  }

  #drainMs(): number {
    return ((this.#waiting + 1) * this.#meanMs) / this.slots;
  }

  #remove(entry: Waiting): void {
    const own = this.#turns.get(entry.client);
    const index = own?.indexOf(entry) ?? -1;
    if (!own || index < 0) return;
    own.splice(index, 1);
    if (own.length === 0) this.#turns.delete(entry.client);
    this.#waiting -= 1;
  }
}
