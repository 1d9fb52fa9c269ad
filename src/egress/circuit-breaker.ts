/** Why an egress rests: TikTok's pages refuse it, its CDN does, or nothing gets through it. */
export type BlockReason = 'refused' | 'media_refused' | 'unreachable';

export type EgressState = 'ok' | 'blocked' | 'probing';

export interface Clock {
  /** Unix milliseconds. */
  now(): number;
  /** 0 to 1, as Math.random. */
  random(): number;
}

export const SYSTEM_CLOCK: Clock = { now: () => Date.now(), random: () => Math.random() };

/** The first pause is short: many refusals are over in seconds, and one job that finds out costs nothing. */
const FIRST_PAUSE_MS = 3000;
const MAX_PAUSE_MS = 5 * 60_000;

/** Each pause is up to this share shorter or longer, so that many instances do not knock together. */
const JITTER = 0.2;

/** Blocked again sooner than this after coming back, an egress rests longer than the last time. */
const RESET_AFTER_MS = 10 * 60_000;

/** Whether an egress may be used: ok → blocked for a pause → one job probes → ok, or blocked for a longer pause. */
export class CircuitBreaker {
  readonly #clock: Clock;
  #state: EgressState = 'ok';
  #since: number;
  #until: number | null = null;
  #reason: BlockReason | null = null;
  #pauses = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#since = clock.now();
  }

  get state(): EgressState {
    return this.#state;
  }

  /** Unix milliseconds at which the state began. */
  get since(): number {
    return this.#since;
  }

  /** Unix milliseconds at which a blocked egress may be probed; null in other states. */
  get until(): number | null {
    return this.#until;
  }

  get reason(): BlockReason | null {
    return this.#reason;
  }

  /** A blocked egress whose pause is over. */
  get probeDue(): boolean {
    return this.#until !== null && this.#clock.now() >= this.#until;
  }

  /** No effect on one that rests already: many jobs meet the same refusal. */
  block(reason: BlockReason): void {
    if (this.#state === 'blocked') return;
    if (this.#state === 'ok' && this.#clock.now() - this.#since > RESET_AFTER_MS) this.#pauses = 0;
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** this.#pauses, MAX_PAUSE_MS);
    this.#pauses += 1;
    this.#reason = reason;
    this.#enter('blocked', this.#clock.now() + pause * (1 + JITTER * (2 * this.#clock.random() - 1)));
  }

  probe(): void {
    this.#enter('probing', null);
  }

  /** The probe told nothing: back to rest. */
  probeInconclusive(): void {
    if (this.#state === 'probing') this.block(this.#reason ?? 'refused');
  }

  recover(): void {
    if (this.#state === 'ok') return;
    this.#reason = null;
    this.#enter('ok', null);
  }

  #enter(state: EgressState, until: number | null): void {
    this.#state = state;
    this.#since = this.#clock.now();
    this.#until = until;
  }
}
