export interface Deadline {
  /** Aborts with the other signal, or with a `TimeoutError` when the time is up. */
  signal: AbortSignal;
  /** The time was up before the other signal aborted. */
  readonly expired: boolean;
  /** Stops the clock. */
  clear(): void;
}

/** A signal bounded in time. On Node 20 an `AbortSignal.any` of an `AbortSignal.timeout` may never fire: the timeout is garbage-collected. */
export function deadline(ms: number, signal: AbortSignal): Deadline {
  const time = new AbortController();
  const combined = AbortSignal.any([signal, time.signal]);
  const error = () => new DOMException(`not finished within ${ms} ms`, 'TimeoutError');
  const timer = setTimeout(() => time.abort(error()), ms);
  return {
    signal: combined,
    get expired() {
      return time.signal.aborted && combined.reason === time.signal.reason;
    },
    clear: () => clearTimeout(timer),
  };
}
