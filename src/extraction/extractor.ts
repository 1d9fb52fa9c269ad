import type { Logger } from 'pino';
import { FairQueue, SingleFlight } from '../concurrency/index.ts';
import type { Config } from '../config.ts';
import type { Egress, EgressPool } from '../egress/index.ts';
import type { Engine } from '../engine/index.ts';
import { ERRORS, type ErrorCode, ServiceError } from '../errors.ts';
import type { Platform, Post } from '../posts/post.ts';
import type { PostLink } from '../posts/url.ts';
import { HostSwitcher, type RejectionListener } from './host-switcher.ts';
import { WorkerPool } from './pool.ts';
import type { Hello } from './protocol.ts';
import { isRefusal, SourcePlanner, type TtwidStore } from './source-planner.ts';
import { pacerSlots } from './sources/chain.ts';
import { type Attempt, DOUYIN_SOURCES, type SourceId, TIKTOK_SOURCES } from './sources/meaning.ts';
import { Pacer } from './sources/pacer.ts';
import type { ExtractTask, WorkerResult } from './worker.ts';

export interface ExtractorOptions {
  engine: Engine;
  /** A folder for the host's socket, of this service alone. */
  runDir: string;
  egresses: EgressPool;
  stats: OutcomeRecorder;
  /** Receives how jobs end; for the metrics. */
  observers?: ExtractionObservers;
  /** Shares Douyin's visitor ids between instances; null for one instance. */
  ttwids?: TtwidStore | null;
  config: Config;
  log: Logger;
}

/** Counts how extractions end; /health reads it. */
export interface OutcomeRecorder {
  succeeded(): void;
  failed(code: ErrorCode): void;
  /** Another engine is in use from now on. */
  reset(): void;
}

export interface ExtractionEvent {
  code: 'ok' | ErrorCode;
  queueMs: number;
  /** Null for a job that never began. */
  workMs: number | null;
}

export interface ExtractionObservers {
  onExtraction(event: ExtractionEvent): void;
  /** One job at one egress; a post may need two. */
  onAttempt(egress: string, code: 'ok' | ErrorCode): void;
  /** One request to one source. */
  onSource(egress: string, attempt: Attempt): void;
}

const NO_OBSERVERS: ExtractionObservers = { onExtraction: () => {}, onAttempt: () => {}, onSource: () => {} };

/** Timings of one request, for its access-log line. Filled in while the job runs. */
export interface ExtractionTimings {
  queueMs?: number;
  extractionMs?: number;
  /** Label of the last egress tried. */
  egress?: string;
  /** Where the post came from. */
  source?: string;
  /** Requests to sources, such as `page refused (maintenance page), player post`. */
  tries?: string;
}

export interface ExtractOptions {
  /** The client's key; see FairQueue. */
  client: string;
  signal?: AbortSignal;
  /** Stays empty on a cache hit or when the request joins another one's extraction. */
  trace?: ExtractionTimings;
}

export interface ExtractorStatus {
  workers: { max: number; active: number; idle: number; queued: number };
  host: Hello | null;
  hostRestarts: number;
  childRestarts: number;
  threads: number;
  queueLimit: number;
  /** The engine in use; the one that .engine/current points to may still be starting. */
  engine: Engine | null;
  /** State of the comparison of a new engine with the previous one. */
  trial: HostSwitcher['trial'];
  /** By egress: where posts come from, and the state of each source. */
  sources: ({ egress: string } & ReturnType<SourcePlanner['status']>)[];
}

/** Seconds until a post that TikTok refuses, while it answers for others, is worth another try. */
const REFUSED_POST_RETRY_AFTER = 60;

/** A registered ttwid is shared for this long. */
const TTWID_TTL_MS = 6 * 3_600_000;

/** A link in, a Post out: admission, egress, worker threads, sources. */
export class Extractor {
  readonly #hosts: HostSwitcher;
  readonly #pool: WorkerPool;
  readonly #queue: FairQueue;
  readonly #planner: SourcePlanner;
  readonly #ttwidFlight = new SingleFlight<string | null>();
  readonly #options: Omit<ExtractorOptions, 'engine' | 'runDir'> & { observers: ExtractionObservers };
  #childRestarts = 0;
  /** The last post that TikTok delivered; see RoutedJob.controlProbe. */
  #control: PostLink | null = null;

  /** Starts the yt-dlp host and the first thread side by side. */
  static async start({ engine, runDir, ...options }: ExtractorOptions): Promise<Extractor> {
    const { egresses, config, log } = options;
    const { maxWorkers, timeoutMs, cookiesPath } = config.extraction;
    const paces = Pacer.memory(pacerSlots(egresses.all.length));
    const pool = new WorkerPool(maxWorkers, { timeoutMs, paces }, log);
    const extractor = new Extractor(pool, { observers: NO_OBSERVERS, ...options }, { runDir, cookiesPath });
    try {
      await extractor.#hosts.start(engine);
    } catch (error) {
      await extractor.close();
      throw error;
    }
    return extractor;
  }

  private constructor(
    pool: WorkerPool,
    options: Omit<ExtractorOptions, 'engine' | 'runDir'> & { observers: ExtractionObservers },
    { runDir, cookiesPath }: { runDir: string; cookiesPath: string },
  ) {
    const { egresses, config, log } = options;
    this.#options = options;
    this.#pool = pool;
    const { maxWorkers, maxQueue } = config.extraction;
    this.#queue = new FairQueue({ slots: maxWorkers, maxWaiting: maxQueue });
    this.#hosts = new HostSwitcher({
      runDir,
      cookiesPath,
      caFile: config.egress.extraCaFile,
      log,
      perform: (task) => this.#perform(task),
    });
    this.#planner = new SourcePlanner({
      egresses: egresses.all,
      targets: () => this.#hosts.hello?.targets ?? [],
      cookiesPath,
    });
  }

  /** @throws ServiceError with one of EXTRACTION_ERRORS, `unsupported_url`, or the signal's reason */
  async extract(link: PostLink, { client, signal, trace = {} }: ExtractOptions): Promise<Post> {
    const { observers } = this.#options;
    const arrived = performance.now();
    let began: number | null = null;
    const work = () => {
      began = performance.now();
      trace.queueMs = Math.round(began - arrived);
      return this.#work(link, trace);
    };
    const ended = (code: ExtractionEvent['code']) => {
      const now = performance.now();
      const workMs = began === null ? null : now - began;
      if (workMs !== null) trace.extractionMs = Math.round(workMs);
      observers.onExtraction({ code, queueMs: (began ?? now) - arrived, workMs });
    };
    try {
      const post = await this.#queue.run(client, work, signal);
      ended('ok');
      return post;
    } catch (error) {
      // A client that left the queue has no result.
      if (error instanceof ServiceError) ended(error.code);
      throw error;
    }
  }

  /**
   * Requests a post from every source that is not needed while the page answers, at every egress, so that a silent break of one shows
   * in /health before it matters. Never throws.
   */
  async probeFallbacks(link: PostLink): Promise<void> {
    const { egresses, log } = this.#options;
    const [, ...fallbacks] = platformOf(link) === 'douyin' ? DOUYIN_SOURCES : TIKTOK_SOURCES;
    for (const egress of egresses.all) {
      for (const source of fallbacks) {
        try {
          await this.#queue.run('canary', () => this.#run(link, egress, { only: source }));
        } catch (err) {
          log.debug({ err, source }, 'a source was not probed');
        }
      }
    }
  }

  get status(): ExtractorStatus {
    const { config, egresses } = this.#options;
    const { maxWorkers, maxQueue } = config.extraction;
    const { active, waiting } = this.#queue;
    return {
      workers: { max: maxWorkers, active, idle: maxWorkers - active, queued: waiting },
      host: this.#hosts.hello,
      hostRestarts: this.#hosts.restarts,
      childRestarts: this.#childRestarts,
      threads: this.#pool.threads,
      queueLimit: maxQueue,
      engine: this.#hosts.engine,
      trial: this.#hosts.trial,
      sources: egresses.all.map(({ id, label }) => ({ egress: label, ...this.#planner.status(id) })),
    };
  }

  /**
   * Hands the workers over to another engine without a failed job; see HostSwitcher.
   * @throws when it does not start; then nothing has changed
   */
  async switchTo(engine: Engine, options: { trial: boolean }): Promise<void> {
    await this.#hosts.switchTo(engine, options);
    this.#planner.reset();
    this.#options.stats.reset();
  }

  /** Calls the listener when a new engine did worse than the previous one, which works again. */
  onRejection(listener: RejectionListener): void {
    this.#hosts.onRejection(listener);
  }

  async close(): Promise<void> {
    await this.#pool.close();
    await this.#hosts.close();
  }

  async #work(link: PostLink, trace: ExtractionTimings): Promise<Post> {
    const { egresses, stats } = this.#options;
    const control = this.#control;
    const result = await egresses.route({
      job: (egress) => {
        trace.egress = egress.label;
        return this.#run(link, egress, { trace });
      },
      countsForHealth: platformOf(link) === 'tiktok',
      controlProbe: control && ((egress) => this.#run(control, egress)),
      rank: ({ id }) => this.#planner.rank(id),
    });
    if (!result) {
      // Nothing was sent, so nothing is counted: the statistics are about attempts.
      throw new ServiceError('ip_blocked', { retryAfter: egresses.retryAfter });
    }
    if (result.ok) {
      stats.succeeded();
      trace.source = result.post.source;
      if (result.post.ref.platform === 'tiktok') this.#control = { kind: 'post', ref: result.post.ref };
      return result.post;
    }
    // A child that died twice under a post: the client may try again, but the fault is ours.
    stats.failed(result.code === 'busy' ? 'internal' : result.code);
    throw this.#toError(result, platformOf(link));
  }

  async #run(
    link: PostLink,
    egress: Egress,
    { trace, only }: { trace?: ExtractionTimings; only?: SourceId } = {},
  ): Promise<WorkerResult & { country?: boolean }> {
    const { observers, log } = this.#options;
    const planned = this.#planner.plan(egress.id, platformOf(link));
    const plan = only ? { ...planned, sources: [only] } : planned;
    const { proxy: exit } = egress;
    const proxy = exit?.reveal() ?? null;
    let attempts: readonly Attempt[] = [];
    let result: WorkerResult;
    try {
      result = await this.#hosts.run({ kind: 'extract', link, proxy, egress: egress.id, plan });
      attempts = result.attempts;
    } finally {
      this.#planner.record(egress.id, planned, attempts, only ? 1 : undefined);
    }
    if (attempts.some(isRefusal)) egress.leaveExit(exit);
    this.#childRestarts += result.restarts;
    if (!only) observers.onAttempt(egress.label, result.ok ? 'ok' : result.code);
    for (const attempt of attempts) observers.onSource(egress.label, attempt);
    if (trace && attempts.length > 1) trace.tries = attempts.map(inWords).join(', ');
    if (!result.ok) {
      const { code, detail } = result;
      log.debug({ code, detail, attempts, egress: egress.label }, 'extraction failed');
    }
    return { ...result, country: attempts.some(({ reason }) => reason === 'country not served') };
  }

  /** One job in one thread. Where Douyin wants a visitor id, registers one and goes on with the rest of the sources. */
  async #perform(task: ExtractTask): Promise<WorkerResult> {
    const first = await this.#pool.run(task);
    if (!('needs' in first)) return first;
    const ttwid = await this.#ttwid(task);
    const sources = ttwid
      ? first.rest
      : first.rest.filter((source) => source === 'douyin-slides' || source === 'douyin-feed');
    const plan = { ...task.plan, sources, ttwid, ttwidIsFresh: true };
    const second = await this.#pool.run({ ...task, link: first.link, plan });
    const attempts = [...first.attempts, ...second.attempts];
    const restarts = first.restarts + second.restarts;
    if ('needs' in second) return { ok: false, code: 'ip_blocked', detail: 'no ttwid', attempts, restarts };
    return { ...second, attempts, restarts };
  }

  /** A ttwid that differs from the one of the task: another job's, another instance's, or a new one. */
  async #ttwid({ egress, proxy, plan, socketPath }: ExtractTask): Promise<string | null> {
    const { ttwids } = this.#options;
    const known = this.#planner.ttwid(egress);
    if (known !== null && known !== plan.ttwid) return known;
    return this.#ttwidFlight.run(egress, async () => {
      const shared = await ttwids?.get(egress);
      const isNew = !shared || shared === plan.ttwid;
      const ttwid = isNew ? await this.#pool.registerTtwid({ kind: 'ttwid', socketPath, proxy }) : shared;
      if (ttwid) this.#planner.setTtwid(egress, ttwid);
      if (ttwid && isNew) await ttwids?.set(egress, ttwid, TTWID_TTL_MS);
      return ttwid;
    });
  }

  #toError({ code, detail }: Extract<WorkerResult, { ok: false }>, platform: Platform): ServiceError {
    const { egresses } = this.#options;
    const cause = new Error(detail);
    const message = code === 'unsupported_url' ? detail : messageFor(code, platform);
    const words = { cause, ...(message !== undefined && { message }) };
    if (code === 'ip_blocked') {
      const retryAfter = egresses.open ? REFUSED_POST_RETRY_AFTER : egresses.retryAfter;
      return new ServiceError(code, { ...words, retryAfter });
    }
    if (code === 'busy') return new ServiceError(code, { ...words, retryAfter: 2 });
    return new ServiceError(code, words);
  }
}

function platformOf(link: PostLink): Platform {
  return link.kind === 'post' ? link.ref.platform : link.platform;
}

/** The error's sentence with the platform's name; undefined where it needs none. */
function messageFor(code: ErrorCode, platform: Platform): string | undefined {
  return platform === 'douyin' ? ERRORS[code].message.replaceAll('TikTok', 'Douyin') : undefined;
}

function inWords({ source, target, outcome, reason }: Attempt): string {
  const name = target === undefined ? source : `${source} as ${target}`;
  return reason === '' ? `${name} ${outcome}` : `${name} ${outcome} (${reason})`;
}
