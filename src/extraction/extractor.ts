import type { Logger } from 'pino';
import { FairQueue } from '../concurrency/index.ts';
import type { Config } from '../config.ts';
import type { Egress, EgressPool } from '../egress/index.ts';
import type { Engine } from '../engine/index.ts';
import { type ErrorCode, ServiceError } from '../errors.ts';
import type { Platform, Post } from '../posts/post.ts';
import type { PostLink } from '../posts/url.ts';
import { HostSwitcher, type RejectionListener } from './host-switcher.ts';
import { WorkerPool } from './pool.ts';
import type { Hello } from './protocol.ts';
import type { WorkerResult } from './worker.ts';

export interface ExtractorOptions {
  engine: Engine;
  /** A folder for the host's socket, this service's alone. */
  runDir: string;
  egresses: EgressPool;
  stats: OutcomeRecorder;
  /** Hear how jobs went; for the metrics. */
  observers?: ExtractionObservers;
  config: Config;
  log: Logger;
}

/** Counts how extractions end; /health reads it. */
export interface OutcomeRecorder {
  succeeded(): void;
  failed(code: ErrorCode): void;
  /** Another engine works from now on. */
  reset(): void;
}

export interface ExtractionEvent {
  code: 'ok' | ErrorCode;
  queueMs: number;
  /** Null for a job that never began. */
  workMs: number | null;
}

export interface ExtractionObservers {
  onExtraction(end: ExtractionEvent): void;
  /** One try through one egress; a post may need two. */
  onAttempt(egress: string, code: 'ok' | ErrorCode): void;
}

const NOBODY: ExtractionObservers = { onExtraction: () => {}, onAttempt: () => {} };

/** Where the time of one request went, for its line in the log. Filled in while the job is done. */
export interface ExtractionTimings {
  queueMs?: number;
  extractionMs?: number;
  /** Label of the last egress tried. */
  egress?: string;
}

export interface ExtractOptions {
  /** Whose turn it is; see FairQueue. */
  client: string;
  signal?: AbortSignal;
  /** Stays empty where the post was known, or somebody else's job brought it. */
  trace?: ExtractionTimings;
}

export interface ExtractorStatus {
  workers: { max: number; active: number; idle: number; queued: number };
  host: Hello | null;
  hostRestarts: number;
  childRestarts: number;
  threads: number;
  queueLimit: number;
  /** The engine that works; the one that .engine/current points to may just be starting. */
  engine: Engine | null;
  /** How a new engine is doing beside the one before it. */
  trial: HostSwitcher['trial'];
}

/** Seconds after which a post that TikTok refuses, while it answers for others, is worth another try. */
const REFUSED_POST_RETRY_AFTER = 60;

/** A link in, a Post out: admission, worker threads, yt-dlp. */
export class Extractor {
  readonly #hosts: HostSwitcher;
  readonly #pool: WorkerPool;
  readonly #queue: FairQueue;
  readonly #egresses: EgressPool;
  readonly #stats: OutcomeRecorder;
  readonly #observers: ExtractionObservers;
  readonly #maxWorkers: number;
  readonly #queueLimit: number;
  readonly #log: Logger;
  #childRestarts = 0;
  /** The last post that TikTok gave; see Errand.control. */
  #control: PostLink | null = null;

  /** Starts the yt-dlp host and the first thread side by side. */
  static async start({
    engine,
    runDir,
    egresses,
    stats,
    observers,
    config,
    log,
  }: ExtractorOptions): Promise<Extractor> {
    const pool = new WorkerPool(
      config.extraction.maxWorkers,
      { timeoutMs: config.extraction.timeoutMs },
      log,
    );
    const hosts = new HostSwitcher({
      runDir,
      cookiesPath: config.extraction.cookiesPath,
      caFile: config.egress.extraCaFile,
      log,
      perform: (task) => pool.run(task),
    });
    try {
      await hosts.start(engine);
    } catch (error) {
      await Promise.all([pool.close(), hosts.close()]);
      throw error;
    }
    return new Extractor(hosts, pool, { egresses, stats, ...(observers && { observers }), config, log });
  }

  private constructor(
    hosts: HostSwitcher,
    pool: WorkerPool,
    { egresses, stats, observers = NOBODY, config, log }: Omit<ExtractorOptions, 'engine' | 'runDir'>,
  ) {
    const { maxWorkers, maxQueue } = config.extraction;
    this.#hosts = hosts;
    this.#pool = pool;
    this.#egresses = egresses;
    this.#stats = stats;
    this.#observers = observers;
    this.#queue = new FairQueue({ slots: maxWorkers, maxWaiting: maxQueue });
    this.#maxWorkers = maxWorkers;
    this.#queueLimit = maxQueue;
    this.#log = log;
  }

  /** @throws ServiceError with one of the contract's post errors, `busy`, or the signal's reason */
  async extract(link: PostLink, { client, signal, trace = {} }: ExtractOptions): Promise<Post> {
    const asked = performance.now();
    let begun: number | null = null;
    const work = () => {
      begun = performance.now();
      trace.queueMs = Math.round(begun - asked);
      return this.#work(link, trace);
    };
    const ended = (code: ExtractionEvent['code']) => {
      const now = performance.now();
      const workMs = begun === null ? null : now - begun;
      if (workMs !== null) trace.extractionMs = Math.round(workMs);
      this.#observers.onExtraction({ code, queueMs: (begun ?? now) - asked, workMs });
    };
    try {
      const post = await this.#queue.run(client, work, signal);
      ended('ok');
      return post;
    } catch (error) {
      // A visitor who left the queue has no outcome.
      if (error instanceof ServiceError) ended(error.code);
      throw error;
    }
  }

  get status(): ExtractorStatus {
    const active = this.#queue.active;
    return {
      workers: {
        max: this.#maxWorkers,
        active,
        idle: this.#maxWorkers - active,
        queued: this.#queue.waiting,
      },
      host: this.#hosts.hello,
      hostRestarts: this.#hosts.restarts,
      childRestarts: this.#childRestarts,
      threads: this.#pool.threads,
      queueLimit: this.#queueLimit,
      engine: this.#hosts.engine,
      trial: this.#hosts.trial,
    };
  }

  /**
   * Hands the workers over to another engine, without a failed job; see Hosts.
   * @throws when it does not start; then nothing has changed
   */
  async switchTo(engine: Engine, options: { trial: boolean }): Promise<void> {
    await this.#hosts.switchTo(engine, options);
    this.#stats.reset();
  }

  get onRejection(): RejectionListener {
    return this.#hosts.onRejection;
  }

  /** Called when a new engine did worse than the one before it, which works again. */
  set onRejection(heard: RejectionListener) {
    this.#hosts.onRejection = heard;
  }

  async close(): Promise<void> {
    await this.#pool.close();
    await this.#hosts.close();
  }

  async #work(link: PostLink, trace: ExtractionTimings): Promise<Post> {
    const control = this.#control;
    const result = await this.#egresses.route({
      job: (egress) => {
        trace.egress = egress.label;
        return this.#run(link, egress);
      },
      countsForHealth: platformOf(link) === 'tiktok',
      controlProbe: control && ((egress) => this.#run(control, egress)),
    });
    if (!result) {
      // Nothing was asked, so nothing is counted: Outcomes are about attempts.
      throw new ServiceError('ip_blocked', { retryAfter: this.#egresses.retryAfter });
    }
    if (result.ok) {
      this.#stats.succeeded();
      if (result.post.ref.platform === 'tiktok') this.#control = { kind: 'post', ref: result.post.ref };
      return result.post;
    }
    // A child that died twice under a post: the visitor may try again, but the fault is ours.
    this.#stats.failed(result.code === 'busy' ? 'internal' : result.code);
    throw this.#toError(result);
  }

  async #run(link: PostLink, egress: Egress): Promise<WorkerResult> {
    const result = await this.#hosts.run({ link, proxy: egress.proxy?.reveal() ?? null, egress: egress.id });
    this.#childRestarts += result.restarts;
    this.#observers.onAttempt(egress.label, result.ok ? 'ok' : result.code);
    if (!result.ok) {
      const { code, detail } = result;
      this.#log.debug({ code, detail, egress: egress.label }, 'extraction failed');
    }
    return result;
  }

  #toError({ code, detail }: Extract<WorkerResult, { ok: false }>): ServiceError {
    const cause = new Error(detail);
    if (code === 'ip_blocked') {
      const retryAfter = this.#egresses.open ? REFUSED_POST_RETRY_AFTER : this.#egresses.retryAfter;
      return new ServiceError(code, { cause, retryAfter });
    }
    if (code === 'busy') return new ServiceError(code, { cause, retryAfter: 2 });
    return new ServiceError(code, { cause });
  }
}

function platformOf(link: PostLink): Platform {
  return link.kind === 'post' ? link.ref.platform : link.platform;
}
