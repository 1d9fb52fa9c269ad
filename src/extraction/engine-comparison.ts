import type { ErrorCode } from '../errors.ts';

/** A new engine is watched this long, or until it has done so much right; then the former one is let go. */
const TRIAL_MS = 10 * 60_000;
const ENOUGH_SUCCESSES = 500;

/** So many posts that the former engine read and the new one did not, and at least this share of all: it is worse. */
const ENOUGH_STRIKES = 3;
const STRIKE_SHARE = 0.1;

/** Failures that may be the engine's. The others are about one post, or about this address. */
const PERHAPS_THE_ENGINE: ReadonlySet<ErrorCode> = new Set([
  'extractor_outdated',
  'upstream_failed',
  'timeout',
  'busy',
  'internal',
]);

/** Whether another engine should have a go at what ended like this. */
export function mayBeEngineFault(code: ErrorCode): boolean {
  return PERHAPS_THE_ENGINE.has(code);
}

/**
 * A new engine at its work, beside the one before it: a post that the new one fails is given to the former one. That
 * is the comparison of their success rates with the chance left out, and no visitor pays for it.
 */
export class EngineComparison {
  readonly #ends: number;
  #succeeded = 0;
  #strikes = 0;

  constructor(now = Date.now()) {
    this.#ends = now + TRIAL_MS;
  }

  get status() {
    return { until: this.#ends / 1000, succeeded: this.#succeeded, strikes: this.#strikes };
  }

  recordSuccess(): void {
    this.#succeeded += 1;
  }

  /** The former engine could do what the new one could not. */
  recordFailure(): void {
    this.#strikes += 1;
  }

  result(now = Date.now()): 'worse' | 'good' | null {
    const total = this.#succeeded + this.#strikes;
    if (this.#strikes >= ENOUGH_STRIKES && this.#strikes / total >= STRIKE_SHARE) return 'worse';
    if (now >= this.#ends || this.#succeeded >= ENOUGH_SUCCESSES) return 'good';
    return null;
  }

  /** In words, for the log and the record of rejected engines. */
  get summary(): string {
    return `${this.#strikes} of ${this.#succeeded + this.#strikes} posts failed that the former engine could read`;
  }
}
