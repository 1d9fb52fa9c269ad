import { ServiceError } from '../errors.ts';

interface Waiting {
  start(): void;
  refuse(): void;
  client: string;
}

/** Weight of the newest job in the running mean of durations: some twenty jobs are remembered. */
const SMOOTHING = 0.05;

/** However many were sent away, nobody is told to stay away for longer. */
const MAX_AWAY_MS = 60_000;

/**
 * Admission before work: so many jobs at once, so many waiting, `busy` at once beyond that. The waiting take turns by
 * client, so that one who sends hundreds delays himself and not the others; nor can he take all the places, for in a
 * full queue the client with the most gives one up to a client with fewer.
 */
export class AdmissionQueue {
  readonly #slots: number;
  readonly #maxWaiting: number;
  /** Insertion order is the order of turns: a client served goes to the end. */
  readonly #turns = new Map<string, Waiting[]>();
  #active = 0;
  #waiting = 0;
  #meanMs = 1000;
  /** When the last of those who were sent away was told to come back; of performance.now(). */
  #promised = 0;

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
    return Math.max(1, Math.ceil(this.#drainMs() / 1000));
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
        refuse: () => {
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

  /** Sends away the newest job of the client with the most, where that leaves him no fewer than the newcomer has. */
  #makeRoom(client: string): boolean {
    let most: Waiting[] = [];
    for (const own of this.#turns.values()) if (own.length > most.length) most = own;
    const newest = most.at(-1);
    if (!newest || most.length <= (this.#turns.get(client)?.length ?? 0) + 1) return false;
    this.#remove(newest);
    newest.refuse();
    return true;
  }

  /**
   * Those who are sent away stand in a line outside: each is told a later time than the one before, so that they do
   * not all come back at once, to be sent away again. The first is let in when half of the queue has gone.
   */
  #busy(): ServiceError {
    const now = performance.now();
    const paceMs = Math.max(this.#meanMs / this.#slots, 1000 / (this.#slots + this.#maxWaiting));
    const first = now + this.#drainMs() / 2;
    this.#promised = Math.min(Math.max(this.#promised + paceMs, first), now + MAX_AWAY_MS);
    return new ServiceError('busy', { retryAfter: Math.max(1, Math.ceil((this.#promised - now) / 1000)) });
  }

  #drainMs(): number {
    return ((this.#waiting + 1) * this.#meanMs) / this.#slots;
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
