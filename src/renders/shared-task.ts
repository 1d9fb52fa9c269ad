import { ServiceError } from '../errors.ts';
import type { JobFolder } from '../temp/index.ts';
import type { Progress } from './progress.ts';

/** What the making of one file gets to work with. */
export interface WorkTools {
  /** Everything is written in here; removed when the work fails or is aborted. */
  job: JobFolder;
  report: (progress: Progress) => void;
  /** Fires when the last one who waited has gone. */
  signal: AbortSignal;
  /** Waits for a free processor, then renders: only so many at a time. */
  turn: <T>(render: () => Promise<T>) => Promise<T>;
}

/** Makes the file and returns its path, inside the job folder. */
export type Produce = (tools: WorkTools) => Promise<string>;

/** One piece of work and all who wait for it. When the last of them leaves, it is aborted. */
export class SharedTask<T> {
  /** Settles when the work has ended, aborted or not, and everything of it is cleaned up. */
  readonly settled: Promise<T>;
  progress: Progress = { stage: 'queued', percent: 0 };
  readonly #abort = new AbortController();
  readonly #onLeft: (unfinished: boolean) => void;
  #waiters = 0;
  #flying = true;

  /** @param onLeft called when nobody waits any more, because it has landed or because they have all gone. */
  constructor(start: (signal: AbortSignal) => Promise<T>, onLeft: (unfinished: boolean) => void) {
    this.#onLeft = onLeft;
    this.settled = start(this.#abort.signal).finally(() => {
      this.#flying = false;
    });
    this.settled.catch(() => undefined);
  }

  cancel(): void {
    this.#onLeft(this.#flying);
    this.#abort.abort(new ServiceError('timeout', { message: 'Nobody waits for this file any more.' }));
  }

  /** Waits for the end, or until `signal` aborts. `onLanded` runs before any other waiter can let go of the result. */
  async wait<R>(signal: AbortSignal | undefined, onLanded: (result: T) => R): Promise<R> {
    this.#waiters += 1;
    let leave: (() => void) | undefined;
    const left = new Promise<never>((_, reject) => {
      leave = () => reject(signal?.reason);
      if (signal?.aborted) leave();
      else signal?.addEventListener('abort', leave, { once: true });
    });
    try {
      return await Promise.race([this.settled.then(onLanded), left]);
    } finally {
      if (leave) signal?.removeEventListener('abort', leave);
      this.#waiters -= 1;
      if (this.#waiters === 0) this.cancel();
    }
  }
}
