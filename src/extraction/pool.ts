import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import type { Logger } from 'pino';
import { Piscina } from 'piscina';
import type {
  ExtractTask,
  NeedsTtwid,
  TtwidTask,
  WorkerResult,
  WorkerSettings,
  WorkerTask,
} from './worker.ts';

/** A thread without work ends after this long, and its child with it. */
const IDLE_MS = 30_000;

/** Bundled by the build (scripts/setup/bundle.mjs): Piscina loads a path without the module loader. */
const WORKER = fileURLToPath(new URL('./worker.cjs', import.meta.url));

/**
 * Young generation of heaps made from now on, in MB. As a flag it also keeps V8 from unpacking built-in modules that a
 * worker never runs; a V8 without the flag says so on standard error and goes on.
 */
const THREAD_FLAG = '--max-semi-space-size=1';

/** The worker threads. Runs one job a thread; more wait in the admission queue. */
export class WorkerPool {
  readonly #piscina: Piscina<WorkerTask, WorkerResult | NeedsTtwid | string | null>;

  constructor(maxThreads: number, settings: WorkerSettings, log: Logger) {
    setFlagsFromString(THREAD_FLAG);
    this.#piscina = new Piscina({
      filename: WORKER,
      minThreads: Math.min(1, maxThreads),
      maxThreads,
      idleTimeout: IDLE_MS,
      // 'sync' would block an idle worker's event loop, which then misses the death of its child (Piscina 5.3).
      atomics: 'disabled',
      recordTiming: false,
      // Bounded heaps keep twenty threads from growing for as long as there is memory.
      resourceLimits: { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 20 },
      workerData: settings,
    });
    // Without a listener the error of a thread that ends while closing would be uncaught.
    this.#piscina.on('error', (err) => log.warn({ err }, 'a worker thread failed'));
  }

  get threads(): number {
    return this.#piscina.threads.length;
  }

  /** Takes no signal: aborting a running task would destroy the thread (Piscina 5.3). The child ends late jobs. */
  run(task: ExtractTask): Promise<WorkerResult | NeedsTtwid> {
    return this.#piscina.run(task) as Promise<WorkerResult | NeedsTtwid>;
  }

  /** @returns null where Douyin gave none */
  registerTtwid(task: TtwidTask): Promise<string | null> {
    return this.#piscina.run(task) as Promise<string | null>;
  }

  async close(): Promise<void> {
    await this.#piscina.destroy();
  }
}
