import { abortable } from './abortable.ts';

interface Flight<T> {
  result: Promise<T>;
  waiting: number;
  settled: boolean;
  abort: AbortController;
}

/** Runs one piece of work for a key at a time; callers that come meanwhile share its result. */
export class SingleFlight<T> {
  readonly #flights = new Map<string, Flight<T>>();

  get size(): number {
    return this.#flights.size;
  }

  has(key: string): boolean {
    return this.#flights.has(key);
  }

  /**
   * Joins the work for the key, or starts it.
   * @param work gets a signal that aborts when the last waiting caller has gone
   * @throws the signal's reason; what the work throws
   */
  async run(key: string, work: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    const flight = this.#flights.get(key) ?? this.#start(key, work);
    flight.waiting += 1;
    try {
      return await abortable(flight.result, signal);
    } finally {
      flight.waiting -= 1;
      if (flight.waiting === 0) {
        this.#forget(key, flight);
        // An abort after the end would only allocate an error.
        if (!flight.settled) flight.abort.abort(signal?.reason);
      }
    }
  }

  #start(key: string, work: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const abort = new AbortController();
    const flight: Flight<T> = { result: work(abort.signal), waiting: 0, settled: false, abort };
    this.#flights.set(key, flight);
    const settle = () => {
      flight.settled = true;
      this.#forget(key, flight);
    };
    flight.result.then(settle, settle);
    return flight;
  }

  #forget(key: string, flight: Flight<T>): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
  }
}
