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

/** How many times the bounds of one client a group of clients may use. */
const GROUP_FACTOR = 4;

/** Waiting jobs of clients that share turns. */
interface Group {
  /** In order of turns: a client that is served goes to the end. */
  clients: Map<string, Waiting[]>;
  waiting: number;
}

/** Weight of the newest job in the running mean of durations; about 20 jobs count. */
const SMOOTHING = 0.05;

/** Upper bound for Retry-After, in milliseconds. */
const MAX_RETRY_AFTER_MS = 60_000;

/**
 * Runs `slots` jobs, queues `maxWaiting` and rejects the rest with `busy`. Clients take turns; a full queue drops the
 * newest job of the client with the most waiting jobs in favour of a client with fewer. Clients whose names have the
 * same part before `>` are a group: groups take turns first, and clients within their group.
 */
export class FairQueue {
  readonly slots: number;
  readonly #maxWaiting: number;
  readonly #perClient: ClientBounds;
  /** Waiting jobs by group, in order of turns: a group that is served goes to the end. */
  readonly #turns = new Map<string, Group>();
  /** Running jobs by client, and by group where that has another name. */
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
    if (this.#hasTooMany(client)) throw this.#tooManyOfOne();
    if (this.#active < this.slots && this.#mayRun(client)) {
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
      this.#add(entry);
    });
  }

  #hasTooMany(client: string): boolean {
    const { total } = this.#perClient;
    const name = groupOf(client);
    const group = this.#turns.get(name);
    const own = this.#runningOf(client) + (group?.clients.get(client)?.length ?? 0);
    const all = this.#runningOf(name) + (group?.waiting ?? 0);
    return own >= total || all >= total * GROUP_FACTOR;
  }

  #mayRun(client: string): boolean {
    const { running } = this.#perClient;
    const all = this.#runningOf(groupOf(client));
    return this.#runningOf(client) < running && all < running * GROUP_FACTOR;
  }

  #runningOf(name: string): number {
    return this.#running.get(name) ?? 0;
  }

  #add(entry: Waiting): void {
    const name = groupOf(entry.client);
    const group = this.#turns.get(name) ?? { clients: new Map<string, Waiting[]>(), waiting: 0 };
    this.#turns.set(name, group);
    const own = group.clients.get(entry.client);
    if (own) own.push(entry);
    else group.clients.set(entry.client, [entry]);
    group.waiting += 1;
    this.#waiting += 1;
  }

  #next(): void {
    for (const [name, group] of this.#turns) {
      for (const [client, own] of group.clients) {
        if (!this.#mayRun(client)) continue;
        const entry = own[0];
        if (!entry) continue;
        this.#remove(entry);
        // Both go to the end of their turns.
        if (group.clients.delete(client) && own.length > 0) group.clients.set(client, own);
        if (this.#turns.delete(name) && group.waiting > 0) this.#turns.set(name, group);
        this.#enter(client);
        entry.start();
        return;
      }
    }
  }

  #enter(client: string): void {
    this.#active += 1;
    for (const name of namesOf(client)) this.#running.set(name, this.#runningOf(name) + 1);
  }

  #leave(client: string): void {
    this.#active -= 1;
    for (const name of namesOf(client)) {
      const left = this.#runningOf(name) - 1;
      if (left > 0) this.#running.set(name, left);
      else this.#running.delete(name);
    }
  }

  /**
   * Drops the newest job of the client with the most, in the group with the most, where these keep at least as many as
   * the newcomer and its group have.
   */
  #makeRoom(client: string): boolean {
    const largest = maxBy(this.#turns.values(), ({ waiting }) => waiting);
    const most = largest && maxBy(largest.clients.values(), ({ length }) => length);
    const newest = most?.at(-1);
    if (!largest || !most || !newest) return false;
    const own = this.#turns.get(groupOf(client));
    const isSameGroup = own === largest;
    const theirs = isSameGroup ? most.length : largest.waiting;
    const ours = isSameGroup ? (own?.clients.get(client)?.length ?? 0) : (own?.waiting ?? 0);
    if (theirs <= ours + 1) return false;
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
    const name = groupOf(entry.client);
    const group = this.#turns.get(name);
    const own = group?.clients.get(entry.client);
    const index = own?.indexOf(entry) ?? -1;
    if (!group || !own || index < 0) return;
    own.splice(index, 1);
    if (own.length === 0) group.clients.delete(entry.client);
    group.waiting -= 1;
    if (group.waiting === 0) this.#turns.delete(name);
    this.#waiting -= 1;
  }
}

function groupOf(client: string): string {
  return client.split('>', 1)[0] ?? client;
}

function namesOf(client: string): Set<string> {
  return new Set([client, groupOf(client)]);
}

function maxBy<T>(items: Iterable<T>, size: (item: T) => number): T | undefined {
  let max: T | undefined;
  for (const item of items) if (max === undefined || size(item) > size(max)) max = item;
  return max;
}
