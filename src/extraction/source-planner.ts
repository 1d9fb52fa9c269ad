import { readFileSync, statSync } from 'node:fs';
import { type BreakerState, CircuitBreaker, type Clock, type Egress, SYSTEM_CLOCK } from '../egress/index.ts';
import type { Platform } from '../posts/post.ts';
import type { Plan } from './sources/chain.ts';
import { type Attempt, DOUYIN_SOURCES, type SourceId, TIKTOK_SOURCES } from './sources/meaning.ts';
import { desktopTargets, mobileTarget } from './sources/targets.ts';

/** Refusals in a row after which a source is skipped at an egress. */
const REFUSALS_IN_A_ROW = 3;

/** A skipped source is probed every few seconds for a minute, so that a short block costs little, then ever less. */
const EARLY_PAUSE_MS = 4000;
const EARLY_PAUSES = 15;
const MAX_PAUSE_MS = 5 * 60_000;

/** How long the browser that passed last is tried first. */
const TARGET_MEMORY_MS = 3_600_000;

/** A registered ttwid is replaced after this long; ByteDance accepts them for much longer. */
const TTWID_MEMORY_MS = 6 * 3_600_000;

/** Keeps ttwids for all instances; Redis, where there is one. */
export interface TtwidStore {
  get(egress: string): Promise<string | null>;
  set(egress: string, ttwid: string, ttlMs: number): Promise<void>;
}

export interface SourcePlannerOptions {
  /** In the order of the egress pool. */
  egresses: readonly Pick<Egress, 'id' | 'changesExits'>[];
  /** The installed engine's impersonation targets. */
  targets: () => readonly string[];
  cookiesPath: string;
  clock?: Clock;
}

/** State of one source at one egress; for /health and the metrics. */
export interface SourceStatus {
  source: SourceId;
  state: BreakerState;
  /** Unix seconds at which the state began. */
  since: number;
  /** Why it is skipped, such as `maintenance page`; null while it works. */
  reason: string | null;
  /** Unix seconds of its last answer; null before the first. */
  last_answer: number | null;
}

interface SourceState {
  breaker: CircuitBreaker;
  refusals: number;
  /** Its last response had a shape that nobody knows. */
  isUnreadable: boolean;
  answeredAt: number | null;
}

interface EgressState {
  slot: number;
  /** A source that refused one exit is not skipped at the next. */
  changesExits: boolean;
  sources: Map<SourceId, SourceState>;
  passed: { target: string; at: number } | null;
  ttwid: { value: string; at: number } | null;
  /** Where the last post came from, and since when without a break. */
  from: { source: SourceId; since: number } | null;
}

/** Decides which sources and browsers a job tries at an egress, by their latest results. */
export class SourcePlanner {
  readonly #options: SourcePlannerOptions;
  readonly #clock: Clock;
  readonly #egresses = new Map<string, EgressState>();
  #browsers: { available: readonly string[]; targets: readonly string[]; mobile: string | null } = {
    available: [],
    targets: [],
    mobile: null,
  };
  #cookies = { changedMs: 0, forDouyin: false };

  constructor(options: SourcePlannerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
    this.reset();
  }

  /** Forgets refusals and browsers that passed: another engine is in use from now on. */
  reset(): void {
    for (const [slot, { id, changesExits }] of this.#options.egresses.entries()) {
      const ttwid = this.#egresses.get(id)?.ttwid ?? null;
      this.#egresses.set(id, { slot, changesExits, sources: new Map(), passed: null, ttwid, from: null });
    }
  }

  /** The plan of one job. A source whose pause is over is in it, and counts as probed. */
  plan(egress: string, platform: Platform): Plan {
    const state = this.#state(egress);
    const order = platform === 'douyin' ? this.#douyinSources() : TIKTOK_SOURCES;
    const probes = order.filter((source) => this.#source(state, source).breaker.probeDue);
    const sources = order.filter(
      (source) => probes.includes(source) || this.#source(state, source).breaker.state === 'ok',
    );
    for (const source of probes) this.#source(state, source).breaker.probe();
    const { targets, mobile } = this.#installedBrowsers();
    const passed = this.#passedLately(state);
    return {
      // Where everything is skipped, a job still tries the sources that need the least.
      sources: sources.length > 0 ? sources : order.slice(0, 2),
      targets:
        passed && targets.includes(passed) ? [passed, ...targets.filter((one) => one !== passed)] : targets,
      mobileTarget: mobile,
      ttwid: this.ttwid(egress),
      ttwidIsFresh: false,
      isUnreadable: order.some((one) => !sources.includes(one) && this.#source(state, one).isUnreadable),
      probes,
      slot: state.slot,
    };
  }

  /**
   * Learns from the attempts of a job; `attempts` is empty for one that was never carried out.
   * @param refusals in a row after which a source is skipped
   */
  record(
    egress: string,
    plan: Plan,
    attempts: readonly Attempt[],
    refusals: number = REFUSALS_IN_A_ROW,
  ): void {
    const state = this.#state(egress);
    const now = this.#clock.now();
    const doubted = new Set<SourceId>();
    for (const { source, target, outcome, reason } of attempts) {
      if (source === 'oembed') continue;
      const one = this.#source(state, source);
      if (outcome === 'refused' || outcome === 'unreadable' || outcome === 'failed') {
        if (isWeak(outcome, reason)) {
          if (doubted.has(source)) continue;
          doubted.add(source);
        }
        one.refusals += 1;
        one.isUnreadable = outcome === 'unreadable';
        if (state.changesExits) continue;
        if (one.refusals >= refusals || one.breaker.state === 'probing') one.breaker.block(reason);
        continue;
      }
      one.refusals = 0;
      one.isUnreadable = false;
      one.answeredAt = now;
      one.breaker.recover();
      if (target !== undefined) state.passed = { target, at: now };
      if (outcome === 'post' && state.from?.source !== source) state.from = { source, since: now };
    }
    for (const source of plan.probes) {
      if (!attempts.some((one) => one.source === source)) this.#source(state, source).breaker.cancelProbe();
    }
  }

  /** The lower, the better TikTok's page works at that egress. */
  rank(egress: string): number {
    const page = this.#state(egress).sources.get('page');
    return page && page.breaker.state !== 'ok' && !page.breaker.probeDue ? 1 : 0;
  }

  /** The registered visitor id of an egress; null for none, or an old one. */
  ttwid(egress: string): string | null {
    const { ttwid } = this.#state(egress);
    return ttwid && this.#clock.now() - ttwid.at < TTWID_MEMORY_MS ? ttwid.value : null;
  }

  setTtwid(egress: string, value: string): void {
    this.#state(egress).ttwid = { value, at: this.#clock.now() };
  }

  /** The sources of an egress that have been used, and where its posts come from. */
  status(egress: string) {
    const { sources, from } = this.#state(egress);
    return {
      posts_from: from && { source: from.source, since: from.since / 1000 },
      sources: [...sources]
        .filter(([, { answeredAt, refusals }]) => answeredAt !== null || refusals > 0)
        .map(
          ([source, { breaker, answeredAt }]): SourceStatus => ({
            source,
            state: breaker.state,
            since: breaker.since / 1000,
            reason: breaker.reason,
            last_answer: answeredAt === null ? null : answeredAt / 1000,
          }),
        ),
    };
  }

  /** Chosen once for each host: the list is the same object until a new one starts. */
  #installedBrowsers() {
    const available = this.#options.targets();
    if (available !== this.#browsers.available) {
      const targets = desktopTargets(available);
      this.#browsers = { available, targets, mobile: mobileTarget(available) };
    }
    return this.#browsers;
  }

  #passedLately({ passed }: EgressState): string | null {
    return passed && this.#clock.now() - passed.at < TARGET_MEMORY_MS ? passed.target : null;
  }

  #state(egress: string): EgressState {
    const state = this.#egresses.get(egress);
    if (!state) throw new Error('an egress that is not in the pool');
    return state;
  }

  #source(state: EgressState, source: SourceId): SourceState {
    let found = state.sources.get(source);
    if (!found) {
      found = {
        breaker: new CircuitBreaker(this.#clock, pauseMs),
        refusals: 0,
        isUnreadable: false,
        answeredAt: null,
      };
      state.sources.set(source, found);
    }
    return found;
  }

  #douyinSources(): readonly SourceId[] {
    return this.#hasDouyinCookies() ? DOUYIN_SOURCES : DOUYIN_SOURCES.slice(1);
  }

  /** Whether COOKIES_PATH has cookies for Douyin; read again when the file changes. */
  #hasDouyinCookies(): boolean {
    const { cookiesPath } = this.#options;
    const changedMs = changeTime(cookiesPath);
    if (changedMs !== this.#cookies.changedMs) {
      this.#cookies = { changedMs, forDouyin: changedMs > 0 && mentionsDouyin(cookiesPath) };
    }
    return this.#cookies.forDouyin;
  }
}

/** Whether an attempt shows that TikTok refuses the address it came from. */
export function isRefusal({ outcome, reason }: Attempt): boolean {
  return outcome === 'refused' && !isWeak(outcome, reason);
}

/** Whether the post may be the cause instead of the egress: such attempts of one job count once. */
function isWeak(outcome: Attempt['outcome'], reason: string): boolean {
  return outcome !== 'refused' || reason === 'page without data';
}

function pauseMs(pause: number): number {
  return Math.min(EARLY_PAUSE_MS * 2 ** Math.max(0, pause - EARLY_PAUSES), MAX_PAUSE_MS);
}

/** Of content or permissions, in Unix milliseconds; 0 where there is no file that may be looked at. */
function changeTime(path: string): number {
  try {
    return statSync(path).ctimeMs;
  } catch {
    return 0;
  }
}

function mentionsDouyin(path: string): boolean {
  try {
    return /^[^#\n]*douyin\.com\t/m.test(readFileSync(path, 'utf8'));
  } catch {
    return false;
  }
}
