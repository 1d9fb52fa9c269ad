import type { Logger } from 'pino';
import { type ErrorCode, ServiceError } from '../errors.ts';
import { findPostLink, type PostLink } from '../posts/url.ts';
import type { ExtractionStats } from './extraction-stats.ts';

/** How often the canary's post is fetched while nobody else fetches any. */
const EVERY_MS = 5 * 60_000;
/** After a failure: soon again, so that within a minute it is known whether it was luck; then less and less. */
const AGAIN_MS = 12_000;
const PATIENT_AFTER = 5;
/** The service has just started, or has another engine: its first visitor may come first. */
const FIRST_MS = 2000;
/** Each pause is up to this share shorter or longer: many instances must not knock together. */
const JITTER = 0.2;

export interface CanaryOptions {
  /** CANARY_URL. */
  url: string;
  /** Fetches a post past cache and limits; its end is counted by the stats like any other. */
  extract: (link: PostLink) => Promise<unknown>;
  stats: ExtractionStats;
  log: Logger;
  random?: () => number;
}

export interface CanaryStatus {
  last: { at: number; code: 'ok' | ErrorCode } | null;
  failures_in_a_row: number;
}

/** Fetches a known post when visitors ask for none, so that a quiet night is watched too. */
export class Canary {
  readonly #options: CanaryOptions;
  readonly #link: PostLink;
  #timer: NodeJS.Timeout | null = null;
  #last: CanaryStatus['last'] = null;
  #failures = 0;
  /** Failures since the start, or since another engine: the pauses grow with them. */
  #disappointments = 0;
  #stopped = false;

  /** @throws ServiceError `unsupported_url` where CANARY_URL is no post */
  constructor(options: CanaryOptions) {
    this.#options = options;
    this.#link = findPostLink(options.url);
  }

  get status(): CanaryStatus {
    return { last: this.#last, failures_in_a_row: this.#failures };
  }

  start(): void {
    this.#options.stats.onReset = () => this.#hurry();
    this.#schedule(FIRST_MS);
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer) clearTimeout(this.#timer);
  }

  /** Another engine may have mended what failed: that must not be seen only after the pause of a long blind night. */
  #hurry(): void {
    if (this.#failures === 0) return;
    this.#disappointments = 0;
    // None while it is being fetched: then it is fetched again soon after.
    if (this.#timer) this.#schedule(FIRST_MS);
  }

  #schedule(pauseMs: number): void {
    if (this.#stopped) return;
    if (this.#timer) clearTimeout(this.#timer);
    const { random = Math.random } = this.#options;
    const spread = 1 + (random() * 2 - 1) * JITTER;
    this.#timer = setTimeout(() => void this.#look(), pauseMs * spread).unref();
  }

  async #look(): Promise<void> {
    const { stats } = this.#options;
    this.#timer = null;
    const quiet = Date.now() - (stats.lastSuccess ?? 0) > EVERY_MS * (1 - JITTER);
    // While things look bad, visitors' successes count, but the canary goes on until it has one of its own.
    if (quiet || this.#failures > 0) await this.#fetch();
    this.#schedule(this.#pause());
  }

  #pause(): number {
    if (this.#failures === 0) return EVERY_MS;
    return Math.min(EVERY_MS, AGAIN_MS * 2 ** Math.max(0, this.#disappointments - PATIENT_AFTER));
  }

  async #fetch(): Promise<void> {
    let code: 'ok' | ErrorCode = 'ok';
    try {
      await this.#options.extract(this.#link);
    } catch (error) {
      code = error instanceof ServiceError ? error.code : 'internal';
    }
    // A full queue says that there are visitors enough.
    if (code === 'busy') return;
    this.#failures = code === 'ok' ? 0 : this.#failures + 1;
    this.#disappointments = code === 'ok' ? 0 : this.#disappointments + 1;
    this.#last = { at: Date.now() / 1000, code };
    if (code !== 'ok') this.#options.log.warn({ code, failures: this.#failures }, 'the canary failed');
  }
}
