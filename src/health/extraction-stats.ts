import type { ErrorCode } from '../errors.ts';

/** Failures of the service or of TikTok as a whole; the others concern one post. */
const SERVICE_FAULTS: ReadonlySet<ErrorCode> = new Set([
  'ip_blocked',
  'extractor_outdated',
  'upstream_failed',
  'timeout',
  'internal',
]);

const BUCKET_MS = 10_000;
const BUCKETS = 30;
const WINDOW_MS = BUCKET_MS * BUCKETS;

/** Number of latest attempts that decide the current state; the window alone would react too late on a busy service. */
const LATEST = 20;

interface Bucket {
  slot: number;
  succeeded: number;
  failed: number;
  codes: Map<ErrorCode, number>;
}

/** Outcome of the latest attempts. */
export interface Summary {
  attempts: number;
  failed: number;
  /** The most frequent code among the failures; null without failures. */
  worst: { code: ErrorCode; count: number } | null;
}

/** Outcomes of extractions: the last of each kind, and counts over five minutes. Bounded, and cheap to read. */
export class ExtractionStats {
  readonly #buckets: Bucket[] = [];
  #latest: { at: number; code: ErrorCode | null }[] = [];
  readonly #resetListeners: (() => void)[] = [];
  readonly #lastFailures = new Map<ErrorCode, number>();
  #lastSuccess: number | null = null;
  #lastFailure: { at: number; code: ErrorCode } | null = null;

  /** Unix milliseconds. */
  get lastSuccess(): number | null {
    return this.#lastSuccess;
  }

  get lastFailure(): { at: number; code: ErrorCode } | null {
    return this.#lastFailure;
  }

  /** Unix milliseconds of the last failure with each code. */
  get lastFailures(): ReadonlyMap<ErrorCode, number> {
    return this.#lastFailures;
  }

  /** Adds a listener for changes of the engine. */
  onReset(listener: () => void): void {
    this.#resetListeners.push(listener);
  }

  succeeded(now = Date.now()): void {
    this.#lastSuccess = now;
    this.#bucket(now).succeeded += 1;
    this.#remember(now, null);
  }

  /** A failure of one post, such as `post_not_found`, counts as a success of the service. */
  failed(code: ErrorCode, now = Date.now()): void {
    if (code === 'busy') return;
    const bucket = this.#bucket(now);
    if (!SERVICE_FAULTS.has(code)) {
      bucket.succeeded += 1;
      this.#remember(now, null);
      return;
    }
    this.#lastFailure = { at: now, code };
    this.#lastFailures.set(code, now);
    bucket.failed += 1;
    bucket.codes.set(code, (bucket.codes.get(code) ?? 0) + 1);
    this.#remember(now, code);
  }

  /** Forgets the latest attempts, because another engine is in use. The counts of the window stay. */
  reset(): void {
    this.#latest = [];
    for (const listener of this.#resetListeners) listener();
  }

  /** Outcome of the latest attempts, none older than the window. */
  summary(now = Date.now()): Summary {
    const latest = this.#latest.filter(({ at }) => at > now - WINDOW_MS);
    const counts = new Map<ErrorCode, number>();
    for (const { code } of latest) if (code) counts.set(code, (counts.get(code) ?? 0) + 1);
    const [worst] = [...counts].sort((a, b) => b[1] - a[1]);
    return {
      attempts: latest.length,
      failed: latest.filter(({ code }) => code).length,
      worst: worst ? { code: worst[0], count: worst[1] } : null,
    };
  }

  /** Failures over the window, by code. */
  failures(now = Date.now()): Partial<Record<ErrorCode, number>> {
    const sum: Partial<Record<ErrorCode, number>> = {};
    for (const { codes } of this.#live(now)) {
      for (const [code, count] of codes) sum[code] = (sum[code] ?? 0) + count;
    }
    return sum;
  }

  /** Counts over the window, and the share of successes; null without attempts. */
  recent(now = Date.now()): {
    succeeded: number;
    failed: number;
    successRate: number | null;
    windowSeconds: number;
  } {
    const live = this.#live(now);
    const succeeded = live.reduce((sum, bucket) => sum + bucket.succeeded, 0);
    const failed = live.reduce((sum, bucket) => sum + bucket.failed, 0);
    const total = succeeded + failed;
    return {
      succeeded,
      failed,
      successRate: total === 0 ? null : Math.round((succeeded / total) * 1000) / 1000,
      windowSeconds: WINDOW_MS / 1000,
    };
  }

  #live(now: number): Bucket[] {
    const oldest = Math.floor(now / BUCKET_MS) - BUCKETS;
    return this.#buckets.filter((bucket) => bucket.slot > oldest);
  }

  #remember(at: number, code: ErrorCode | null): void {
    this.#latest.push({ at, code });
    if (this.#latest.length > LATEST) this.#latest.shift();
  }

  #bucket(now: number): Bucket {
    const slot = Math.floor(now / BUCKET_MS);
    const last = this.#buckets.at(-1);
    if (last?.slot === slot) return last;
    const fresh: Bucket = { slot, succeeded: 0, failed: 0, codes: new Map() };
    this.#buckets.push(fresh);
    if (this.#buckets.length > BUCKETS) this.#buckets.shift();
    return fresh;
  }
}
