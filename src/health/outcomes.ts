import type { ErrorCode } from '../errors.ts';

/** Failures that are about us or TikTok as a whole; the others are about one post and say nothing of the service. */
const OURS: ReadonlySet<ErrorCode> = new Set([
  'ip_blocked',
  'extractor_outdated',
  'upstream_failed',
  'timeout',
  'internal',
]);

const BUCKET_MS = 10_000;
const BUCKETS = 30;

interface Bucket {
  slot: number;
  succeeded: number;
  failed: number;
}

/** How extractions went of late: the last of each kind, and counts over five minutes. Bounded, cheap to read. */
export class Outcomes {
  readonly #buckets: Bucket[] = [];
  lastSuccess: number | null = null;
  lastFailure: { at: number; code: ErrorCode } | null = null;

  succeeded(now = Date.now()): void {
    this.lastSuccess = now;
    this.#bucket(now).succeeded += 1;
  }

  /** A post that does not exist was fetched as well as it can be: it counts as a success of the service. */
  failed(code: ErrorCode, now = Date.now()): void {
    if (code === 'busy') return;
    if (!OURS.has(code)) {
      this.#bucket(now).succeeded += 1;
      return;
    }
    this.lastFailure = { at: now, code };
    this.#bucket(now).failed += 1;
  }

  /** Counts over the window, and the share of successes; null where nothing was asked for. */
  recent(now = Date.now()): {
    succeeded: number;
    failed: number;
    successRate: number | null;
    windowSeconds: number;
  } {
    const oldest = Math.floor(now / BUCKET_MS) - BUCKETS;
    const live = this.#buckets.filter((bucket) => bucket.slot > oldest);
    const succeeded = live.reduce((sum, bucket) => sum + bucket.succeeded, 0);
    const failed = live.reduce((sum, bucket) => sum + bucket.failed, 0);
    const total = succeeded + failed;
    return {
      succeeded,
      failed,
      successRate: total === 0 ? null : Math.round((succeeded / total) * 1000) / 1000,
      windowSeconds: (BUCKET_MS * BUCKETS) / 1000,
    };
  }

  #bucket(now: number): Bucket {
    const slot = Math.floor(now / BUCKET_MS);
    const last = this.#buckets.at(-1);
    if (last?.slot === slot) return last;
    const fresh = { slot, succeeded: 0, failed: 0 };
    this.#buckets.push(fresh);
    if (this.#buckets.length > BUCKETS) this.#buckets.shift();
    return fresh;
  }
}
