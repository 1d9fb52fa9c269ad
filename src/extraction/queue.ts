import { ServiceError } from '../errors.ts';

interface Waiting {
  start(): void;
  client: string;
}

/** Weight of the newest job in the running mean of durations: some twenty jobs are remembered. */
const SMOOTHING = 0.05;

/**
 * Admission before work: so many jobs at once, so many waiting, `busy` at once beyond that. The waiting take turns by
 * client, so that one who sends hundreds delays himself and not the others.
 */
export class AdmissionQueue {
  readonly #slots: number;
  readonly #maxWaiting: number;
  /** Insertion order is the order of turns: a client served goes to the end. */
  readonly #turns = new Map<string, Waiting[]>();
  #active = 0;
  #waiting = 0;
  #meanMs = 1000;

  constructor(slots: number, maxWaiting: number) {
    this.#slots = slots;
    this.#maxWaiting = maxWaiting;
  }

  get active(): number {
    return this.#active;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** Seconds until a job that came now would be begun, judged by the jobs of late; at least one. */
  get expectedWait(): number {
    return Math.max(1, Math.ceil(((this.#waiting + 1) * this.#meanMs) / this.#slots / 1000));
  }

  /**
   * Runs the work when its turn comes.
   * @param signal frees the place in the queue while waiting; a job that has begun goes on
   * @throws ServiceError `busy` when the queue is full; the signal's reason
   */
  async run<T>(client: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.#admit(client, signal);
    const started = performance.now();
    try {
      return await work();
    } finally {
      this.#meanMs += (performance.now() - started - this.#meanMs) * SMOOTHING;
      this.#active -= 1;
      this.#next();
    }
  }

  #admit(client: string, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (this.#active < this.#slots) {
      this.#active += 1;
      return Promise.resolve();
    }
    if (this.#waiting >= this.#maxWaiting) throw new ServiceError('busy', { retryAfter: this.expectedWait });
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
      };
      signal?.addEventListener('abort', leave, { once: true });
      const own = this.#turns.get(client);
      if (own) own.push(entry);
      else this.#turns.set(client, [entry]);
      this.#waiting += 1;
    });
  }

  #next(): void {
    const turn = this.#turns.entries().next();
    if (turn.done) return;
    const [client, own] = turn.value;
    const entry = own.shift();
    this.#turns.delete(client);
    if (own.length > 0) this.#turns.set(client, own);
    if (!entry) return;
    this.#waiting -= 1;
    this.#active += 1;
    entry.start();
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
