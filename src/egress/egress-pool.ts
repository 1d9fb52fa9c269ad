import type { Logger } from 'pino';
import type { ErrorCode } from '../errors.ts';
import type { Secret } from '../secret.ts';
import { type BlockReason, type Clock, SYSTEM_CLOCK } from './circuit-breaker.ts';
import { Egress } from './egress.ts';
import type { Vpn } from './vpn.ts';

/** How a job ended, as far as a way out can be to blame. */
export type JobResult = { ok: true } | { ok: false; code: ErrorCode };

/** A job that can be tried through one egress or another. */
export interface RoutedJob<R extends JobResult> {
  job(egress: Egress): Promise<R>;
  /** Whether its end says something of the egress. Only TikTok's jobs do: Douyin welcomes and refuses by itself. */
  countsForHealth: boolean;
  /**
   * A job that TikTok answered not long ago: what is refused to it too is refused for the address's sake and not for
   * the post's. Null where none has been answered yet.
   */
  controlProbe: Control;
}

type Control = ((egress: Egress) => Promise<JobResult>) | null;

export interface EgressPoolOptions {
  proxies: readonly Secret[];
  vpn: Vpn | null;
  clock?: Clock;
  log: Logger;
}

/** TikTok answered with something about the post, so the way to it is open. */
const ANSWERS: ReadonlySet<ErrorCode> = new Set([
  'post_not_found',
  'post_private',
  'login_required',
  'region_blocked',
  'extractor_outdated',
]);

/** The ways out: whose turn is next, who has to rest, and a second try for a job whose way was closed. */
export class EgressPool {
  readonly all: readonly [Egress, ...Egress[]];
  readonly #vpn: Vpn | null;
  readonly #clock: Clock;
  readonly #log: Logger;
  /** Controls under way: many jobs are refused at once, one control tells them all. */
  readonly #controls = new Map<Egress, Promise<JobResult>>();
  #next = 0;

  constructor({ proxies, vpn, clock = SYSTEM_CLOCK, log }: EgressPoolOptions) {
    const [first, ...others] = proxies.map((proxy) => new Egress(proxy, clock));
    this.all = first ? [first, ...others] : [new Egress(null, clock)];
    this.#vpn = vpn;
    this.#clock = clock;
    this.#log = log;
  }

  /** How logs name an egress; posts of ids that are gone go out through the first, as their media do. */
  labelOf(id: string): string {
    return (this.all.find((egress) => egress.id === id) ?? this.all[0]).label;
  }

  /** For /health and /metrics. Never credentials. */
  get status() {
    return this.all.map(({ label, refusals, breaker: { state, since, until, reason } }) => ({
      name: label,
      state,
      since: since / 1000,
      until: until === null ? null : until / 1000,
      reason,
      refusals,
      ...(this.#vpn && {
        reconnecting: this.#vpn.reconnecting,
        reconnects: this.#vpn.reconnects,
        reconnects_failed: this.#vpn.failures,
        public_ip: this.#vpn.publicIp,
      }),
    }));
  }

  /** Whether any of them is in use. */
  get open(): boolean {
    return this.all.some(({ breaker }) => breaker.state === 'ok');
  }

  /** Seconds until the next one may be tried; for Retry-After. */
  get retryAfter(): number {
    const times = this.all.map(({ breaker }) => breaker.until).filter((time) => time !== null);
    const wait = times.length > 0 ? Math.min(...times) - this.#clock.now() : 0;
    return Math.max(1, Math.ceil(wait / 1000));
  }

  /**
   * Runs a job through the egress whose turn it is. Where that is closed, through another one, or the same one after
   * the VPN has taken a new address; once.
   * @returns null, without having asked TikTok, where all of them rest
   */
  async route<R extends JobResult>(errand: RoutedJob<R>): Promise<R | null> {
    await this.#vpn?.settled();
    const egress = errand.countsForHealth ? this.#pick() : (this.#pickOther(null) ?? this.all[0]);
    if (!egress) return null;
    const reconnects = this.#vpn?.reconnects;
    const first = await this.#attempt(egress, errand);
    if (first.ok || !isWayClosed(first.code)) return first;
    await this.#vpn?.settled();
    // A reconnect, whoever asked for it, breaks the jobs that run.
    const renewed = this.#vpn?.reconnects !== reconnects;
    // After a timeout the visitor has waited long enough.
    const second = renewed ? egress : first.code === 'timeout' ? null : this.#pickOther(egress);
    if (!second) return first;
    const result = await this.#attempt(second, errand);
    if (isAnswer(result) && first.code === 'upstream_failed') void this.#suspect(egress, errand.controlProbe);
    return result;
  }

  /** What the CDN answered for a file of a post that came this way. */
  sawMedia(id: string, post: string, status: number): void {
    const egress = this.all.find((one) => one.id === id);
    if (!egress?.sawMedia(post, status)) return;
    this.#block(egress, 'media_refused');
    void this.#renewAddress();
  }

  #pick(): Egress | null {
    const due = this.all.find(({ breaker }) => breaker.probeDue);
    if (due) {
      due.breaker.probe();
      return due;
    }
    return this.#pickOther(null);
  }

  /** One that is known to work. */
  #pickOther(avoided: Egress | null): Egress | null {
    for (let step = 0; step < this.all.length; step += 1) {
      const egress = this.all[(this.#next + step) % this.all.length];
      if (!egress || egress === avoided || egress.breaker.state !== 'ok') continue;
      this.#next = (this.#next + step + 1) % this.all.length;
      return egress;
    }
    return null;
  }

  async #attempt<R extends JobResult>(
    egress: Egress,
    { job, countsForHealth, controlProbe }: RoutedJob<R>,
  ): Promise<R> {
    const began = this.#clock.now();
    let result: R;
    try {
      result = await job(egress);
    } catch (error) {
      egress.breaker.probeInconclusive();
      throw error;
    }
    if (!countsForHealth) return result;
    if (isAddressBlocked(result)) await this.#refused(egress, controlProbe, began);
    else if (isAnswer(result)) this.#answered(egress);
    else await this.#unclear(egress);
    return result;
  }

  async #unclear(egress: Egress): Promise<void> {
    egress.breaker.probeInconclusive();
    if (this.#vpn?.broken) await this.#renewAddress();
  }

  #answered(egress: Egress): void {
    egress.answeredAt = this.#clock.now();
    // An answer to a job that began before a block says nothing; the probe's does.
    if (egress.breaker.state === 'probing') this.#recover(egress);
  }

  /** Finds out whether the address is refused or only the post. A refused address rests, or is exchanged. */
  async #refused(egress: Egress, control: Control, began: number): Promise<void> {
    egress.refusals += 1;
    // Others were answered meanwhile.
    if (egress.answeredAt !== null && egress.answeredAt > began) return;
    const verdict = control && (await this.#ask(egress, control));
    if (verdict && isAnswer(verdict)) {
      this.#answered(egress);
    } else if (verdict && !isAddressBlocked(verdict)) {
      egress.breaker.probeInconclusive();
    } else {
      this.#block(egress, 'refused');
      await this.#renewAddress();
    }
  }

  /** Another egress brought what this one did not: does anything get through it? */
  async #suspect(egress: Egress, control: Control): Promise<void> {
    const verdict = control && (await this.#ask(egress, control));
    if (verdict && !isAnswer(verdict))
      this.#block(egress, isAddressBlocked(verdict) ? 'refused' : 'unreachable');
  }

  async #ask(egress: Egress, control: NonNullable<Control>): Promise<JobResult> {
    const asked = this.#controls.get(egress) ?? control(egress);
    this.#controls.set(egress, asked);
    try {
      return await asked;
    } catch {
      return { ok: false, code: 'internal' };
    } finally {
      this.#controls.delete(egress);
    }
  }

  async #renewAddress(): Promise<void> {
    if (!(await this.#vpn?.renew())) return;
    // All of them go out through the tunnel.
    for (const egress of this.all) this.#recover(egress);
  }

  #block(egress: Egress, reason: BlockReason): void {
    if (egress.breaker.state === 'blocked') return;
    egress.breaker.block(reason);
    const seconds = Math.round(((egress.breaker.until ?? 0) - this.#clock.now()) / 1000);
    this.#log.warn({ egress: egress.label, reason, seconds }, 'an egress is blocked: it rests');
  }

  #recover(egress: Egress): void {
    if (egress.breaker.state === 'ok') return;
    const ms = this.#clock.now() - egress.breaker.since;
    egress.breaker.recover();
    this.#log.info({ egress: egress.label, ms }, 'an egress is back');
  }
}

function isAnswer(result: JobResult): boolean {
  return result.ok || ANSWERS.has(result.code);
}

/** Ends for which the way out may be to blame. */
function isWayClosed(code: ErrorCode): boolean {
  return code === 'ip_blocked' || code === 'upstream_failed' || code === 'timeout';
}

function isAddressBlocked(result: JobResult): boolean {
  return !result.ok && result.code === 'ip_blocked';
}
