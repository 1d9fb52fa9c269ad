import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import type { Egress, Egresses } from '../egress/index.ts';
import { ServiceError } from '../errors.ts';
import type { Outcomes } from '../health/index.ts';
import type { Post } from '../posts/post.ts';
import type { PostLink } from '../posts/url.ts';
import type { Engine } from './engine.ts';
import { HostProcess } from './host-process.ts';
import { WorkerPool } from './pool.ts';
import type { Hello } from './protocol.ts';
import { AdmissionQueue } from './queue.ts';
import type { WorkerResult } from './worker.ts';

export interface ExtractorOptions {
  engine: Engine;
  /** A folder for the host's socket, this service's alone. */
  runDir: string;
  egresses: Egresses;
  outcomes: Outcomes;
  config: Config;
  log: Logger;
}

export interface ExtractOptions {
  /** Whose turn it is; see AdmissionQueue. */
  client: string;
  signal?: AbortSignal;
}

export interface ExtractorStatus {
  workers: { max: number; active: number; idle: number; queued: number };
  host: Hello | null;
  hostRestarts: number;
  childRestarts: number;
}

/** Seconds after which a refused address is worth another try. */
const BLOCKED_RETRY_AFTER = 60;

/** A link in, a Post out: admission, worker threads, yt-dlp. */
export class Extractor {
  readonly #host: HostProcess;
  readonly #pool: WorkerPool;
  readonly #queue: AdmissionQueue;
  readonly #egresses: Egresses;
  readonly #outcomes: Outcomes;
  readonly #maxWorkers: number;
  readonly #log: Logger;
  #childRestarts = 0;

  /** Starts the yt-dlp host and the first thread side by side. */
  static async start({
    engine,
    runDir,
    egresses,
    outcomes,
    config,
    log,
  }: ExtractorOptions): Promise<Extractor> {
    const host = new HostProcess({
      engine,
      runDir,
      cookiesPath: config.extraction.cookiesPath,
      caFile: config.egress.extraCaFile,
      log,
    });
    const pool = new WorkerPool(
      config.extraction.maxWorkers,
      { socketPath: host.socketPath, timeoutMs: config.extraction.timeoutMs },
      log,
    );
    try {
      await host.start();
    } catch (error) {
      await Promise.all([pool.close(), host.close()]);
      throw error;
    }
    return new Extractor(host, pool, { egresses, outcomes, config, log });
  }

  private constructor(
    host: HostProcess,
    pool: WorkerPool,
    { egresses, outcomes, config, log }: Omit<ExtractorOptions, 'engine' | 'runDir'>,
  ) {
    const { maxWorkers, maxQueue } = config.extraction;
    this.#host = host;
    this.#pool = pool;
    this.#egresses = egresses;
    this.#outcomes = outcomes;
    this.#queue = new AdmissionQueue(maxWorkers, maxQueue);
    this.#maxWorkers = maxWorkers;
    this.#log = log;
  }

  /** @throws ServiceError with one of the contract's post errors, `busy`, or the signal's reason */
  async extract(link: PostLink, { client, signal }: ExtractOptions): Promise<Post> {
    return this.#queue.run(client, () => this.#work(link), signal);
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
      host: this.#host.hello,
      hostRestarts: this.#host.restarts,
      childRestarts: this.#childRestarts,
    };
  }

  async close(): Promise<void> {
    await this.#pool.close();
    await this.#host.close();
  }

  async #work(link: PostLink): Promise<Post> {
    const egress = this.#egresses.pick();
    const result = await this.#pool.run({ link, proxy: egress.proxy?.reveal() ?? null, egress: egress.id });
    this.#childRestarts += result.restarts;
    if (result.ok) {
      this.#outcomes.succeeded();
      return result.post;
    }
    this.#outcomes.failed(result.code);
    this.#log.debug({ code: result.code, detail: result.detail, egress: egress.label }, 'extraction failed');
    throw toError(result, egress);
  }
}

function toError({ code, detail }: Extract<WorkerResult, { ok: false }>, egress: Egress): ServiceError {
  const cause = new Error(`${detail} (egress ${egress.label})`);
  if (code === 'ip_blocked') return new ServiceError(code, { cause, retryAfter: BLOCKED_RETRY_AFTER });
  if (code === 'busy') return new ServiceError(code, { cause, retryAfter: 2 });
  return new ServiceError(code, { cause });
}
