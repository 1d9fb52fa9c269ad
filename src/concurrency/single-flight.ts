interface Flight<T> {
  result: Promise<T>;
  waiting: number;
  landed: boolean;
  abort: AbortController;
}

/** One piece of work for one key at a time: whoever asks meanwhile gets the same result. */
export class SingleFlight<T> {
  readonly #flights = new Map<string, Flight<T>>();

  get size(): number {
    return this.#flights.size;
  }

  /**
   * Joins the work under way for the key, or begins it. The work's signal fires when the last of those who wait for
   * it has gone.
   */
  async run(key: string, work: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    const flight = this.#flights.get(key) ?? this.#begin(key, work);
    flight.waiting += 1;
    let leave: (() => void) | undefined;
    const left = new Promise<never>((_, reject) => {
      leave = () => reject(signal?.reason);
      signal?.addEventListener('abort', leave, { once: true });
    });
    try {
      return await Promise.race([flight.result, left]);
    } finally {
      if (leave) signal?.removeEventListener('abort', leave);
      flight.waiting -= 1;
      if (flight.waiting === 0) {
        // Nobody may join work that is being given up.
        if (this.#flights.get(key) === flight) this.#flights.delete(key);
        // To nobody's use after the landing, when each abort would make an error with a stack.
        if (!flight.landed) flight.abort.abort(signal?.reason);
      }
    }
  }

  #begin(key: string, work: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const abort = new AbortController();
    const flight: Flight<T> = { result: work(abort.signal), waiting: 0, landed: false, abort };
    this.#flights.set(key, flight);
    const landed = () => {
      flight.landed = true;
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    };
    flight.result.then(landed, landed);
    return flight;
  }
}
