import type { ErrorCode } from '../errors.ts';

/** Failures that are about us or TikTok as a whole; the others are about one post and say nothing of the service. */
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

/**
 * How things are now is judged by so many attempts: a busy service that goes blind must not wait until its failures
 * outnumber the successes of five minutes. Fewer would make a service with some bad luck swing to and fro.
 */
const JUDGED = 20;

interface Bucket {
  slot: number;
  succeeded: number;
  failed: number;
  codes: Map<ErrorCode, number>;
}

/** How the last attempts ended. */
export interface Summary {
  attempts: number;
  failed: number;
  /** The code that most failures had; null where nothing failed. */
  worst: { code: ErrorCode; count: number } | null;
}

/** How extractions went of late: the last of each kind, and counts over five minutes. Bounded, cheap to read. */
export class ExtractionStats {
  readonly #buckets: Bucket[] = [];
  #latest: { at: number; code: ErrorCode | null }[] = [];
  lastSuccess: number | null = null;
  lastFailure: { at: number; code: ErrorCode } | null = null;
  /** When extractions last failed, by code. */
  readonly lastFailures = new Map<ErrorCode, number>();
  /** Called when another engine is at work. */
  onReset: () => void = () => {};

  succeeded(now = Date.now()): void {
    this.lastSuccess = now;
    this.#bucket(now).succeeded += 1;
    this.#remember(now, null);
  }

  /** A post that does not exist was fetched as well as it can be: it counts as a success of the service. */
  failed(code: ErrorCode, now = Date.now()): void {
    if (code === 'busy') return;
    const bucket = this.#bucket(now);
    if (!SERVICE_FAULTS.has(code)) {
      bucket.succeeded += 1;
      this.#remember(now, null);
      return;
    }
    this.lastFailure = { at: now, code };
    this.lastFailures.set(code, now);
    bucket.failed += 1;
    bucket.codes.set(code, (bucket.codes.get(code) ?? 0) + 1);
    this.#remember(now, code);
  }

  /** Another engine is at work: how the last one did says nothing of it. The counts stay. */
  reset(): void {
    this.#latest = [];
    this.onReset();
  }

  /** How the last attempts ended, those of the last five minutes at most. */
  summary(now = Date.now()): Summary {
    const judged = this.#latest.filter(({ at }) => at > now - WINDOW_MS);
    const counts = new Map<ErrorCode, number>();
    for (const { code } of judged) if (code) counts.set(code, (counts.get(code) ?? 0) + 1);
    const [worst] = [...counts].sort((a, b) => b[1] - a[1]);
    return {
      attempts: judged.length,
      failed: judged.filter(({ code }) => code).length,
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

  /** Counts over the window, and the share of successes; null where nothing was asked for. */
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
    if (this.#latest.length > JUDGED) this.#latest.shift();
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
