import { abortable, deadline, FairQueue, SingleFlight } from '../concurrency/index.ts';
import { type ErrorCode, ServiceError } from '../errors.ts';
import type { CachedFile } from '../media/index.ts';
import type { CleanupStats, JobFolder, TempStore } from '../temp/index.ts';
import { FileCache } from './file-cache.ts';
import {
  FETCHES_PER_SLOT,
  FILES_PER_CLIENT,
  KEPT_SHARE,
  type KindLimits,
  MAX_WAITING,
  MAX_WORK_MS,
} from './limits.ts';
import { type Progress, ProgressEmitter, type ProgressListener } from './progress.ts';

export interface RenderCacheOptions {
  temp: TempStore;
  /** Prefix of the work folders' names, such as `slideshow`. */
  kind: string;
  /** Slots for what takes memory and a core; sounds and slideshows share them. */
  renders: FairQueue;
  /** Whether the bounds of one client hold. */
  limitClients: boolean;
  /** By default MAX_WAITING, and for one client FILES_PER_CLIENT. */
  limits?: KindLimits;
  /** How long a finished file is kept, in milliseconds. */
  maxAgeMs: number;
  /** Bytes of all finished files; fewer where the disk is small or fills up. */
  maxBytes: number;
  /** Gets the outcome of each file and its seconds, for the metrics. */
  onMade?: (outcome: 'ok' | 'abandoned' | ErrorCode, seconds: number) => void;
}

/** What the maker of one file works with. */
export interface RenderTools {
  /** All files go in here; removed when the work fails or is aborted. */
  job: JobFolder;
  report: (progress: Progress) => void;
  /** Aborts when the last waiting client has gone or the time is up. */
  signal: AbortSignal;
  /** Waits for a render slot, then renders. */
  withSlot: <T>(render: () => Promise<T>) => Promise<T>;
}

/** Makes the file and returns its path, inside the job folder. */
export type Produce = (tools: RenderTools) => Promise<string>;

export interface RenderOptions {
  /** Takes turns with other clients; see FairQueue. */
  client: string;
  /** This client is gone; others that wait for the same file are served all the same. */
  signal?: AbortSignal;
}

/** A finished file. */
export interface RenderedFile extends CachedFile {
  /** The file was made for this request, so no client can hold a part of it yet. */
  isNew: boolean;
}

/** Retry-After of a full disk, in seconds: works under way end, or the cleaner has been round. */
const FULL_DISK_RETRY_SECONDS = 30;

/** Percent of a work from which on it is finished although nobody waits: a proxy may have cut the client off. */
const FINISH_FROM_PERCENT = 50;

/** Times that a finished file may be evicted before it is opened. */
const MAX_TRIES = 3;

/**
 * Files by key (post and parameters): made once for all who ask at the same time, kept for later requests, given up
 * when nobody waits any more.
 */
export class RenderCache {
  readonly #temp: TempStore;
  readonly #kind: string;
  readonly #onMade: NonNullable<RenderCacheOptions['onMade']>;
  readonly #flights = new SingleFlight<void>();
  /** Works that are finished although nobody waits. */
  readonly #finishing = new Map<string, Promise<void>>();
  /** Works under way, also abandoned ones until they are cleaned up. */
  readonly #works = new Map<Promise<void>, AbortController>();
  readonly #progress = new ProgressEmitter();
  readonly #files: FileCache;
  readonly #maxKeptBytes: number;
  readonly #admission: FairQueue;
  readonly #renders: FairQueue;
  #closed = false;

  constructor(options: RenderCacheOptions) {
    const { temp, kind, renders, limitClients, maxAgeMs, maxBytes, onMade } = options;
    this.#onMade = onMade ?? (() => {});
    this.#temp = temp;
    this.#kind = kind;
    const slots = renders.slots * FETCHES_PER_SLOT;
    const usual = { waiting: MAX_WAITING, perClient: { running: renders.slots, total: FILES_PER_CLIENT } };
    const { waiting, perClient } = options.limits ?? usual;
    this.#admission = new FairQueue({ slots, maxWaiting: waiting, ...(limitClients && { perClient }) });
    this.#renders = renders;
    this.#files = new FileCache({ maxAgeMs, maxBytes });
    this.#maxKeptBytes = maxBytes;
  }

  /** Works under way, finished files and their bytes. */
  get status(): { inFlight: number; files: number; bytes: number } {
    return { inFlight: this.#works.size, files: this.#files.files, bytes: this.#files.bytes };
  }

  /** Whether the file of `key` is there already. */
  has(key: string): boolean {
    return this.#files.has(key);
  }

  /**
   * The file of `key`, made by `produce` where it is neither kept nor in the making. The caller releases it.
   * @throws ServiceError `busy` where the queue or the disk is full, `timeout`; what `produce` throws; the signal's
   *   reason
   */
  async get(key: string, produce: Produce, { client, signal }: RenderOptions): Promise<RenderedFile> {
    signal?.throwIfAborted();
    const kept = await this.#files.open(key);
    if (kept) return { ...kept, isNew: false };
    const finishing = await this.#finish(key, signal);
    if (finishing) return { ...finishing, isNew: true };
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      await this.#flights.run(key, (gone) => this.#start(key, produce, client, gone), signal);
      const file = await this.#files.open(key);
      if (file) return { ...file, isNew: true };
    }
    throw new ServiceError('busy', { cause: new Error('finished files are evicted at once') });
  }

  /**
   * Calls `listener` with the progress of the file of `key`, now and at every change. `done` and `failed` end a work,
   * not the watching: the same key may be made again. @returns ends the watching
   */
  watch(key: string, listener: ProgressListener): () => void {
    const now = this.#files.has(key)
      ? ({ stage: 'done', percent: 100 } as const)
      : this.#progress.latest(key);
    if (now) listener(now);
    return this.#progress.watch(key, listener);
  }

  /** Evicts files past their age and those that the disk has no room for. */
  async sweep(): Promise<CleanupStats> {
    const room = this.#files.bytes + (await this.#temp.freeBytes());
    this.#files.maxBytes = Math.min(this.#maxKeptBytes, room * KEPT_SHARE);
    const freed = this.#files.trim();
    await this.#files.settled();
    return freed;
  }

  /** Aborts everything under way and removes everything kept. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const stop of this.#works.values()) stop.abort(closing());
    await Promise.allSettled(this.#works.keys());
    await this.#files.clear();
  }

  async #start(key: string, produce: Produce, client: string, gone: AbortSignal): Promise<void> {
    if (this.#closed) throw closing();
    const stop = new AbortController();
    // Reported at once, before the key can be made anew: nobody waits for the file, but its progress may be watched.
    const onGone = () => {
      if ((this.#progress.latest(key)?.percent ?? 0) >= FINISH_FROM_PERCENT) {
        this.#finishing.set(key, work);
        return;
      }
      this.#progress.emit(key, { stage: 'failed', percent: 100, code: 'timeout' });
      stop.abort(gone.reason);
    };
    gone.addEventListener('abort', onGone, { once: true });
    this.#progress.emit(key, { stage: 'queued', percent: 0 });
    const make = () => this.#make(key, produce, client, stop.signal);
    const work = this.#admission.run(client, make, stop.signal);
    this.#works.set(work, stop);
    try {
      await work;
    } catch (error) {
      if (!stop.signal.aborted || !gone.aborted)
        this.#progress.emit(key, { stage: 'failed', percent: 100, code: codeOf(error) });
      throw error;
    } finally {
      this.#works.delete(work);
      this.#finishing.delete(key);
    }
  }

  /** Waits for an abandoned work on the key, where there is one. @returns its file; null where it failed */
  async #finish(key: string, signal: AbortSignal | undefined): Promise<CachedFile | null> {
    const work = this.#finishing.get(key);
    if (!work) return null;
    await abortable(
      work.catch(() => undefined),
      signal,
    );
    return this.#files.open(key);
  }

  async #make(key: string, produce: Produce, client: string, abort: AbortSignal): Promise<void> {
    await this.sweep();
    const job = await this.#temp.createJob(this.#kind).catch((error) => {
      throw toServiceError(error);
    });
    const limit = deadline(MAX_WORK_MS, abort);
    const { signal } = limit;
    const began = performance.now();
    const record = (outcome: 'ok' | 'abandoned' | ErrorCode) =>
      this.#onMade(outcome, (performance.now() - began) / 1000);
    try {
      const report: ProgressListener = (progress) => {
        if (!signal.aborted) this.#progress.emit(key, progress);
      };
      const withSlot = <T>(render: () => Promise<T>) => this.#renders.run(client, render, signal);
      const path = await produce({ job, report, signal, withSlot });
      signal.throwIfAborted();
      await this.#files.add(key, path, job);
      report({ stage: 'done', percent: 100 });
      record('ok');
    } catch (cause) {
      await job.dispose();
      const error = limit.expired ? new ServiceError('timeout', { cause }) : toServiceError(cause);
      record(abort.aborted ? 'abandoned' : codeOf(error));
      throw error;
    } finally {
      limit.clear();
    }
  }
}

function closing(): ServiceError {
  return new ServiceError('busy', { message: 'The server is restarting.', retryAfter: 1 });
}

function codeOf(error: unknown): ErrorCode {
  return error instanceof ServiceError ? error.code : 'internal';
}

/** Maps ENOSPC and EDQUOT to `busy`: a full disk is temporary. */
function toServiceError(error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
  return noRoom(error);
}

/** The error of a disk that has no room for a file. */
export function noRoom(cause: unknown): ServiceError {
  const message = 'The server has no room for this file right now.';
  return new ServiceError('busy', { message, retryAfter: FULL_DISK_RETRY_SECONDS, cause });
}
