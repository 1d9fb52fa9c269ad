import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import type { Logger } from 'pino';
import { Piscina } from 'piscina';
import type { WorkerResult, WorkerSettings, WorkerTask } from './worker.ts';

/** An idle thread costs 10 MB and its child 5: after this long without work both go. */
const IDLE_MS = 30_000;

/** Bundled by the build (scripts/setup/worker.mjs); a path, for which Piscina does not load the module loader. */
const WORKER = fileURLToPath(new URL('./worker.cjs', import.meta.url));

/**
 * For the heaps that are made from now on, the threads'. It says what the limit of the young generation below says,
 * and what is more, V8 then does not unpack the compiled form of Node's own modules that it ships with, most of which
 * a worker never runs: 0.6 MB a thread. Where the main thread was given another size (scripts/serve.sh), this also
 * keeps it from the threads. A V8 that knows no such flag says so on standard error and goes on.
 */
const THREAD_FLAG = '--max-semi-space-size=1';

/** The worker threads. Takes one job for each thread at once; who waits, waits in the admission queue. */
export class WorkerPool {
  readonly #piscina: Piscina<WorkerTask, WorkerResult>;

  constructor(maxThreads: number, settings: WorkerSettings, log: Logger) {
    setFlagsFromString(THREAD_FLAG);
    this.#piscina = new Piscina({
      filename: WORKER,
      minThreads: Math.min(1, maxThreads),
      maxThreads,
      idleTimeout: IDLE_MS,
      // 'sync' would block an idle worker's event loop: it would not see its child die (Piscina 5.3).
      atomics: 'disabled',
      recordTiming: false,
      // A post leaves little behind, but by default twenty heaps grow for as long as there is memory: over 13,000
      // posts Node rose by 8.6 MB each thousand without the second limit, and levelled with it (scripts/soak.ts).
      resourceLimits: { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 20 },
      workerData: settings,
    });
    // Without a listener the error of a thread that ends while closing would be uncaught.
    this.#piscina.on('error', (err) => log.warn({ err }, 'a worker thread failed'));
  }

  get threads(): number {
    return this.#piscina.threads.length;
  }

  /** No signal: aborting a running task would destroy the thread (Piscina 5.3). The deadline is in the child. */
  run(task: WorkerTask): Promise<WorkerResult> {
    return this.#piscina.run(task);
  }

  async close(): Promise<void> {
    await this.#piscina.destroy();
  }
}
