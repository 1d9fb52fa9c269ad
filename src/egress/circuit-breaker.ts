export type BreakerState = 'ok' | 'blocked' | 'probing';

export interface Clock {
  /** Unix milliseconds. */
  now(): number;
  /** 0 to 1, as Math.random. */
  random(): number;
}

export const SYSTEM_CLOCK: Clock = { now: () => Date.now(), random: () => Math.random() };

/** Each pause is up to this share shorter or longer, so that several instances do not probe together. */
const JITTER = 0.2;

/** A breaker that opens again sooner than this after closing goes on with longer pauses. */
const RESET_AFTER_MS = 10 * 60_000;

/** Milliseconds of the nth pause in a row, from 0. */
export type Pauses = (pause: number) => number;

/** Three seconds, doubled up to five minutes: many refusals of an address are over in seconds. */
export const EGRESS_PAUSES: Pauses = (pause) => Math.min(3000 * 2 ** pause, 5 * 60_000);

/** Whether something may be used: ok (closed) → blocked (open) for a pause → one job probes (half-open) → ok or blocked. */
export class CircuitBreaker {
  readonly #clock: Clock;
  readonly #pausesMs: Pauses;
  #state: BreakerState = 'ok';
  #since: number;
  #until: number | null = null;
  #reason: string | null = null;
  #pauses = 0;

  constructor(clock: Clock, pausesMs: Pauses = EGRESS_PAUSES) {
    this.#clock = clock;
    this.#pausesMs = pausesMs;
    this.#since = clock.now();
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** Unix milliseconds at which the state began; for `blocked` and `probing` when the first block began. */
  get since(): number {
    return this.#since;
  }

  /** Unix milliseconds at which a blocked breaker may be probed; null in other states. */
  get until(): number | null {
    return this.#until;
  }

  /** Why it is not ok. */
  get reason(): string | null {
    return this.#reason;
  }

  /** Blocked, and the pause is over. */
  get probeDue(): boolean {
    return this.#until !== null && this.#clock.now() >= this.#until;
  }

  /** No effect while blocked: many jobs meet the same refusal. */
  block(reason: string): void {
    if (this.#state === 'blocked') return;
    const now = this.#clock.now();
    if (this.#state === 'ok') {
      if (now - this.#since > RESET_AFTER_MS) this.#pauses = 0;
      this.#since = now;
    }
    const pause = this.#pausesMs(this.#pauses);
    this.#pauses += 1;
    this.#reason = reason;
    this.#state = 'blocked';
    this.#until = now + pause * (1 + JITTER * (2 * this.#clock.random() - 1));
  }

  probe(): void {
    this.#state = 'probing';
    this.#until = null;
  }

  /** The probe ended without a result: blocked again. */
  probeInconclusive(): void {
    if (this.#state === 'probing') this.block(this.#reason ?? 'blocked');
  }

  /** The probe was never sent: the next job may send it. */
  cancelProbe(): void {
    if (this.#state !== 'probing') return;
    this.#state = 'blocked';
    this.#until = this.#clock.now();
  }

  recover(): void {
    if (this.#state === 'ok') return;
    this.#reason = null;
    this.#state = 'ok';
    this.#since = this.#clock.now();
    this.#until = null;
  }
}
