import type { ErrorCode } from '../errors.ts';
import type { WorkerResult } from './worker.ts';

/** A new engine is compared for this long, or until it has read this many posts. */
const TRIAL_MS = 10 * 60_000;
const ENOUGH_SUCCESSES = 500;

/** Posts that the previous engine read and the new one did not, and their share of all, that make it worse. */
const ENOUGH_FAILURES = 3;
const FAILURE_SHARE = 0.1;

/** Failures that may be the engine's; the others are about one post or about the address. */
const ENGINE_FAULTS: ReadonlySet<ErrorCode> = new Set([
  'extractor_outdated',
  'upstream_failed',
  'timeout',
  'busy',
  'internal',
]);

/**
 * Whether the engine may be the cause of a result: a failure, or a page that could not be read though another source
 * had the post.
 */
export function isSuspect(result: WorkerResult): boolean {
  if (!result.ok && ENGINE_FAULTS.has(result.code)) return true;
  return result.attempts.some(({ source, outcome }) => source === 'page' && outcome === 'unreadable');
}

/** Compares a new engine with the previous one, which gets each post that the new one may have failed. */
export class EngineComparison {
  readonly #ends: number;
  #succeeded = 0;
  #failed = 0;

  constructor(now = Date.now()) {
    this.#ends = now + TRIAL_MS;
  }

  /** For /health; `until` in Unix seconds. */
  get status() {
    return { until: this.#ends / 1000, succeeded: this.#succeeded, strikes: this.#failed };
  }

  recordSuccess(): void {
    this.#succeeded += 1;
  }

  /** The previous engine read a post that the new one did not. */
  recordFailure(): void {
    this.#failed += 1;
  }

  /** Null while there is no result yet. */
  result(now = Date.now()): 'worse' | 'good' | null {
    const total = this.#succeeded + this.#failed;
    if (this.#failed >= ENOUGH_FAILURES && this.#failed / total >= FAILURE_SHARE) return 'worse';
    if (now >= this.#ends || this.#succeeded >= ENOUGH_SUCCESSES) return 'good';
    return null;
  }

  /** For the log and the record of rejected engines. */
  get summary(): string {
    return `${this.#failed} of ${this.#succeeded + this.#failed} posts failed that the previous engine could read`;
  }
}
