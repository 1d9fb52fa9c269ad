import type { Logger } from 'pino';
import type { ErrorCode } from '../errors.ts';
import type { Secret } from '../secret.ts';
import { type Clock, SYSTEM_CLOCK } from './circuit-breaker.ts';
import { Egress, type MediaStatus } from './egress.ts';
import type { Vpn } from './vpn.ts';

/** Why an egress is blocked: TikTok's pages refuse it, its CDN does, its country is not served, or it is unreachable. */
type BlockReason = 'refused' | 'media_refused' | 'country' | 'unreachable';

/** How a job ended, as far as an egress can be the cause. */
export type JobResult =
  | { ok: true }
  | {
      ok: false;
      code: ErrorCode;
      /** TikTok does not serve the country that the egress is in. */
      country?: boolean;
    };

/** A job that can be tried through one egress or another. */
export interface RoutedJob<R extends JobResult> {
  job(egress: Egress): Promise<R>;
  /** Whether the result counts for egress health. False for Douyin, which accepts and refuses by other rules. */
  countsForHealth: boolean;
  /**
   * A job that TikTok answered not long ago: a refusal of it too is about the address and not about the post. Null
   * before the first answer.
   */
  controlProbe: Control;
  /** The lower, the better is the egress for this job; equal ones take turns. */
  rank?(egress: Egress): number;
}

type Control = ((egress: Egress) => Promise<JobResult>) | null;

export interface EgressPoolOptions {
  proxies: readonly Secret[];
  vpn: Vpn | null;
  clock?: Clock;
  log: Logger;
}

/** Codes by which TikTok said something about the post: the egress works. */
const ANSWERS: ReadonlySet<ErrorCode> = new Set([
  'post_not_found',
  'post_private',
  'login_required',
  'region_blocked',
  'extractor_outdated',
]);

/** All egresses: which one is next, which are blocked, and a second try for a job whose egress failed. */
export class EgressPool {
  readonly all: readonly [Egress, ...Egress[]];
  readonly #vpn: Vpn | null;
  readonly #clock: Clock;
  readonly #log: Logger;
  /** Control probes under way: many jobs are refused at once, one probe answers for all. */
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
        public_ip: this.#vpn.watch.publicIp,
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
   * Runs a job through the egress whose turn it is. Where that fails for a reason of the egress, runs it once more
   * through another one, or through the same after the VPN has taken a new address or the proxy has another exit.
   * @returns null, without a request to TikTok, where all egresses are blocked
   */
  async route<R extends JobResult>(routed: RoutedJob<R>): Promise<R | null> {
    await this.#vpn?.settled();
    const egress = routed.countsForHealth
      ? this.#pick(routed)
      : (this.#pickOther(null, routed) ?? this.all[0]);
    if (!egress) return null;
    const reconnects = this.#vpn?.reconnects;
    const { proxy } = egress;
    const first = await this.#attempt(egress, routed);
    if (first.ok || !mayBeEgressFault(first.code)) return first;
    await this.#vpn?.settled();
    // A reconnect breaks the jobs under way, whichever job caused it.
    const renewed = this.#vpn?.reconnects !== reconnects;
    // After a timeout the client has waited long enough.
    const isElsewhere = egress.isRotating || egress.proxy !== proxy;
    const other = () => this.#pickOther(egress, routed) ?? (isElsewhere ? egress : null);
    const second = renewed ? egress : first.code === 'timeout' ? null : other();
    if (!second) return first;
    const result = await this.#attempt(second, routed);
    const isOther = second !== egress;
    if (isOther && isAnswer(result) && first.code === 'upstream_failed')
      void this.#suspect(egress, routed.controlProbe);
    // A post that is withheld at one egress and refused at another is withheld.
    return !result.ok && first.code === 'region_blocked' ? first : result;
  }

  /**
   * Notes a response of the CDN. After a run of refusals the egress is blocked if the control fails as well.
   * @param control whether media that worked lately still do; null where that cannot be told
   */
  sawMedia(seen: MediaStatus, control: () => Promise<boolean | null>): void {
    const egress = this.all.find(({ id }) => id === seen.egress);
    if (egress?.sawMedia(seen)) void this.#checkMedia(egress, control);
  }

  async #checkMedia(egress: Egress, control: () => Promise<boolean | null>): Promise<void> {
    const works = await control().catch(() => null);
    if (works !== false) return;
    if (egress.changesExits) return egress.leaveExit(egress.proxy);
    this.#block(egress, 'media_refused');
    await this.#renewAddress();
  }

  #pick(routed: Pick<RoutedJob<JobResult>, 'rank'>): Egress | null {
    const due = this.all.find(({ breaker }) => breaker.probeDue);
    if (due) {
      due.breaker.probe();
      return due;
    }
    return this.#pickOther(null, routed);
  }

  /** The best egress that is known to work; those of equal rank take turns. */
  #pickOther(avoided: Egress | null, { rank }: Pick<RoutedJob<JobResult>, 'rank'>): Egress | null {
    let best: { step: number; egress: Egress; rank: number } | null = null;
    for (let step = 0; step < this.all.length; step += 1) {
      const egress = this.all[(this.#next + step) % this.all.length];
      if (!egress || egress === avoided || egress.breaker.state !== 'ok') continue;
      const own = rank?.(egress) ?? 0;
      if (!best || own < best.rank) best = { step, egress, rank: own };
    }
    if (best) this.#next = (this.#next + best.step + 1) % this.all.length;
    return best?.egress ?? null;
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
    if (!result.ok && result.country) await this.#countryNotServed(egress, began);
    else if (isAddressBlocked(result)) await this.#refused(egress, controlProbe, began);
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
    this.#vpn?.works();
    // Only the probe's answer counts: other jobs may have begun before the block.
    if (egress.breaker.state === 'probing') this.#recover(egress);
  }

  async #countryNotServed(egress: Egress, began: number): Promise<void> {
    egress.refusals += 1;
    // The job has left the exit.
    if (egress.changesExits || wasAnsweredSince(egress, began)) return;
    this.#block(egress, 'country');
    await this.#renewAddress();
  }

  /** Finds out whether the address is refused or only the post. A refused address is blocked, and exchanged where there is a VPN. */
  async #refused(egress: Egress, control: Control, began: number): Promise<void> {
    egress.refusals += 1;
    // The job has left the exit, and the proxy itself works.
    if (egress.changesExits) return this.#answered(egress);
    if (wasAnsweredSince(egress, began)) return;
    const probe = control && (await this.#probe(egress, control));
    if (probe && isAnswer(probe)) {
      this.#answered(egress);
    } else if (probe && !isAddressBlocked(probe)) {
      egress.breaker.probeInconclusive();
    } else {
      this.#block(egress, 'refused');
      await this.#renewAddress();
    }
  }

  /** Another egress delivered what this one did not: checks whether anything gets through it. */
  async #suspect(egress: Egress, control: Control): Promise<void> {
    const probe = control && (await this.#probe(egress, control));
    if (probe && !isAnswer(probe)) this.#block(egress, isAddressBlocked(probe) ? 'refused' : 'unreachable');
  }

  async #probe(egress: Egress, control: NonNullable<Control>): Promise<JobResult> {
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
    // All egresses use the tunnel.
    for (const egress of this.all) this.#recover(egress);
  }

  #block(egress: Egress, reason: BlockReason): void {
    if (egress.breaker.state === 'blocked') return;
    egress.breaker.block(reason);
    const seconds = Math.round(((egress.breaker.until ?? 0) - this.#clock.now()) / 1000);
    this.#log.warn({ egress: egress.label, reason, seconds }, 'egress blocked, cooling down');
  }

  #recover(egress: Egress): void {
    if (egress.breaker.state === 'ok') return;
    const ms = this.#clock.now() - egress.breaker.since;
    egress.breaker.recover();
    this.#log.info({ egress: egress.label, ms }, 'egress works again');
  }
}

/** Whether another job was answered meanwhile: the egress works then. */
function wasAnsweredSince({ answeredAt }: Egress, began: number): boolean {
  return answeredAt !== null && answeredAt > began;
}

function isAnswer(result: JobResult): boolean {
  return result.ok || ANSWERS.has(result.code);
}

/** Results for which another egress may do better. */
function mayBeEgressFault(code: ErrorCode): boolean {
  return (
    code === 'ip_blocked' || code === 'upstream_failed' || code === 'timeout' || code === 'region_blocked'
  );
}

function isAddressBlocked(result: JobResult): boolean {
  return !result.ok && result.code === 'ip_blocked';
}
