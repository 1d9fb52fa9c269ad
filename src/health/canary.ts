import type { Logger } from 'pino';
import { type ErrorCode, ServiceError } from '../errors.ts';
import { findPostLink, type PostLink } from '../posts/url.ts';
import type { ExtractionStats } from './extraction-stats.ts';

/** Interval while no other post is extracted. */
const EVERY_MS = 5 * 60_000;
/** Pause after a failure; it doubles from the BACK_OFF_AFTER-th one in a row on, up to EVERY_MS. */
const RETRY_MS = 12_000;
const BACK_OFF_AFTER = 5;
/** Pause after a start and after a change of the engine. */
const FIRST_MS = 2000;
/** Each pause is up to this share shorter or longer, so that many instances do not check together. */
const JITTER = 0.2;

export interface CanaryOptions {
  /** CANARY_URL. */
  url: string;
  /** Extracts a post past the cache and the rate limits; counted in `stats` like any other extraction. */
  extract: (link: PostLink) => Promise<unknown>;
  stats: ExtractionStats;
  log: Logger;
  random?: () => number;
}

export interface CanaryStatus {
  last: { at: number; code: 'ok' | ErrorCode } | null;
  failures_in_a_row: number;
}

/** Extracts a known post while clients request none, so that a quiet service is watched too. */
export class Canary {
  readonly #options: CanaryOptions;
  readonly #link: PostLink;
  #timer: NodeJS.Timeout | null = null;
  #last: CanaryStatus['last'] = null;
  #consecutiveFailures = 0;
  /** Failures since the start or the last change of the engine; the pauses grow with them. */
  #backOffFailures = 0;
  #stopped = false;

  /** @throws ServiceError `unsupported_url` where CANARY_URL is no post */
  constructor(options: CanaryOptions) {
    this.#options = options;
    this.#link = findPostLink(options.url);
  }

  get status(): CanaryStatus {
    return { last: this.#last, failures_in_a_row: this.#consecutiveFailures };
  }

  start(): void {
    this.#options.stats.onReset(() => this.#checkSoon());
    this.#schedule(FIRST_MS);
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer) clearTimeout(this.#timer);
  }

  /** Checks soon after a change of the engine, which may have fixed what failed. */
  #checkSoon(): void {
    if (this.#consecutiveFailures === 0) return;
    this.#backOffFailures = 0;
    // Without a timer a check is running, and schedules the next one itself.
    if (this.#timer) this.#schedule(FIRST_MS);
  }

  #schedule(pauseMs: number): void {
    if (this.#stopped) return;
    if (this.#timer) clearTimeout(this.#timer);
    const { random = Math.random } = this.#options;
    const spread = 1 + (random() * 2 - 1) * JITTER;
    this.#timer = setTimeout(() => void this.#check(), pauseMs * spread).unref();
  }

  async #check(): Promise<void> {
    const { stats } = this.#options;
    this.#timer = null;
    const quiet = Date.now() - (stats.lastSuccess ?? 0) > EVERY_MS * (1 - JITTER);
    // After a failure the canary goes on until it succeeds itself, whatever clients' extractions do.
    if (quiet || this.#consecutiveFailures > 0) await this.#extract();
    this.#schedule(this.#pause());
  }

  #pause(): number {
    if (this.#consecutiveFailures === 0) return EVERY_MS;
    return Math.min(EVERY_MS, RETRY_MS * 2 ** Math.max(0, this.#backOffFailures - BACK_OFF_AFTER));
  }

  async #extract(): Promise<void> {
    let code: 'ok' | ErrorCode = 'ok';
    try {
      await this.#options.extract(this.#link);
    } catch (error) {
      code = error instanceof ServiceError ? error.code : 'internal';
    }
    // A full queue means that clients' extractions show the state already.
    if (code === 'busy') return;
    this.#consecutiveFailures = code === 'ok' ? 0 : this.#consecutiveFailures + 1;
    this.#backOffFailures = code === 'ok' ? 0 : this.#backOffFailures + 1;
    this.#last = { at: Date.now() / 1000, code };
    if (code !== 'ok') this.#options.log.warn({ code, failures: this.#consecutiveFailures }, 'canary failed');
  }
}
