import { Semaphore } from '../concurrency/index.ts';
import { type ErrorCode, ServiceError } from '../errors.ts';
import type { CleanupStats, TempStore } from '../temp/index.ts';
import { FileCache, type RenderedFile } from './file-cache.ts';
import { ProgressEmitter, type ProgressListener } from './progress.ts';
import { type Produce, SharedTask } from './shared-task.ts';

export interface RenderCacheOptions {
  temp: TempStore;
  /** A word for the names of the work folders, such as `slideshow`. */
  kind: string;
  /** Renders at a time; as many as there are processors is a good number. */
  maxRenders: number;
  /** Files that may wait beside those; more are `busy`. */
  maxQueue: number;
  /** How long a finished file is kept, in milliseconds. */
  maxAgeMs: number;
  /** How much all finished files may take together, in bytes; less where the disk is small or fills up. */
  maxBytes: number;
  /** Hears how each file came out, or `abandoned`, and after how long; for the metrics. */
  onMade?: (outcome: 'ok' | 'abandoned' | ErrorCode, seconds: number) => void;
}

/** A typical file takes a second or two with its downloads. */
const BUSY_RETRY_SECONDS = 5;

/**
 * Of the room that is free or taken by finished files, so much may go to these. They are a convenience; the rest is for
 * what is being made, here and in other stores on the same disk.
 */
const KEPT_SHARE = 0.25;
/** Until works under way have ended, or the cleaner has been round. */
const FULL_DISK_RETRY_SECONDS = 30;

/**
 * Files by key (post and parameters): made once for all who ask at the same time, kept for those who come later,
 * given up when nobody waits any more.
 */
export class RenderCache {
  readonly #temp: TempStore;
  readonly #kind: string;
  readonly #maxInFlight: number;
  readonly #onMade: NonNullable<RenderCacheOptions['onMade']>;
  readonly #flights = new Map<string, SharedTask<void>>();
  /** Abandoned ones too, until they are cleaned up: they still take space and perhaps a processor. */
  readonly #landing = new Set<Promise<void>>();
  readonly #board = new ProgressEmitter();
  readonly #shelf: FileCache;
  readonly #maxKeptBytes: number;
  /** Fetching may run ahead of rendering, by as many again, so that a slow CDN does not leave processors idle. */
  readonly #work: Semaphore;
  readonly #renders: Semaphore;
  #closed = false;

  constructor({ temp, kind, maxRenders, maxQueue, maxAgeMs, maxBytes, onMade }: RenderCacheOptions) {
    this.#onMade = onMade ?? (() => {});
    this.#temp = temp;
    this.#kind = kind;
    this.#maxInFlight = maxRenders + maxQueue;
    this.#work = new Semaphore(maxRenders * 2);
    this.#renders = new Semaphore(maxRenders);
    this.#shelf = new FileCache({ maxAgeMs, maxBytes });
    this.#maxKeptBytes = maxBytes;
  }

  /** In flight, kept files, and their bytes; for health and metrics. */
  get status(): { inFlight: number; files: number; bytes: number } {
    return { inFlight: this.#landing.size, files: this.#shelf.files, bytes: this.#shelf.bytes };
  }

  /**
   * The file of `key`: at once where it is there, else when it is made. `produce` runs only where nobody makes that file
   * already. Release the file when it has been sent.
   *
   * @param options.signal aborts when this caller has gone; the others are served all the same.
   * @throws ServiceError `busy` where the queue or the disk is full; whatever `produce` throws; the signal's reason.
   */
  async get(key: string, produce: Produce, { signal }: { signal?: AbortSignal } = {}): Promise<RenderedFile> {
    signal?.throwIfAborted();
    const kept = this.#shelf.take(key);
    if (kept) return kept;
    const flight = this.#flights.get(key) ?? this.#start(key, produce);
    return flight.wait(signal, () => {
      const file = this.#shelf.take(key);
      if (!file)
        throw new ServiceError('internal', { cause: new Error('a finished file is not on the shelf') });
      return file;
    });
  }

  /**
   * Tells `listener` where the file of `key` stands, now and at every change. `done` and `failed` end a work, but
   * not the watching: the same key may be made again.
   */
  watch(key: string, listener: ProgressListener): () => void {
    const now = this.#shelf.has(key)
      ? ({ stage: 'done', percent: 100 } as const)
      : this.#flights.get(key)?.progress;
    if (now) listener(now);
    return this.#board.watch(key, listener);
  }

  /** Lets go of files past their age, and of those that the disk has no room for; for the cleaner too. */
  async sweep(): Promise<CleanupStats> {
    const room = this.#shelf.bytes + (await this.#temp.freeBytes());
    this.#shelf.maxBytes = Math.min(this.#maxKeptBytes, room * KEPT_SHARE);
    const freed = this.#shelf.trim();
    await this.#shelf.settled();
    return freed;
  }

  /** Gives up everything under way and removes everything kept. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const flight of [...this.#flights.values()]) flight.cancel();
    await Promise.allSettled(this.#landing);
    await this.#shelf.clear();
  }

  #start(key: string, produce: Produce): SharedTask<void> {
    if (this.#closed || this.#landing.size >= this.#maxInFlight) {
      throw new ServiceError('busy', { retryAfter: BUSY_RETRY_SECONDS });
    }
    const flight: SharedTask<void> = new SharedTask(
      (signal) => this.#work.run(() => this.#make(key, produce, signal), signal),
      (unfinished) => {
        if (this.#flights.get(key) !== flight) return;
        this.#flights.delete(key);
        // Nobody waits for the file, but somebody may still look at its progress bar.
        if (unfinished) this.#board.emit(key, { stage: 'failed', percent: 100, code: 'timeout' });
      },
    );
    this.#flights.set(key, flight);
    const landing = flight.settled.finally(() => this.#landing.delete(landing));
    this.#landing.add(landing);
    landing.catch(() => undefined);
    this.#board.emit(key, flight.progress);
    return flight;
  }

  async #make(key: string, produce: Produce, signal: AbortSignal): Promise<void> {
    await this.sweep();
    const job = await this.#temp.createJob(this.#kind).catch((error) => {
      throw withCode(error);
    });
    const began = performance.now();
    const tell = (outcome: 'ok' | 'abandoned' | ErrorCode) =>
      this.#onMade(outcome, (performance.now() - began) / 1000);
    try {
      const report: ProgressListener = (progress) => {
        const flight = this.#flights.get(key);
        if (signal.aborted || !flight) return;
        flight.progress = progress;
        this.#board.emit(key, progress);
      };
      const turn = <T>(render: () => Promise<T>) => this.#renders.run(render, signal);
      const path = await produce({ job, report, signal, turn });
      signal.throwIfAborted();
      await this.#shelf.add(key, path, job);
      report({ stage: 'done', percent: 100 });
      tell('ok');
    } catch (cause) {
      await job.dispose();
      const error = withCode(cause);
      if (signal.aborted) tell('abandoned');
      else {
        const code = error instanceof ServiceError ? error.code : 'internal';
        this.#board.emit(key, { stage: 'failed', percent: 100, code });
        tell(code);
      }
      throw error;
    }
  }
}

/** A full disk is nobody's mistake, and passes. */
function withCode(error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
  const message = 'The server has no room for this file right now.';
  return new ServiceError('busy', { message, retryAfter: FULL_DISK_RETRY_SECONDS, cause: error });
}
