import type { ErrorCode } from '../errors.ts';

export type Stage = 'queued' | 'fetching' | 'rendering' | 'done' | 'failed';

export interface Progress {
  stage: Stage;
  /** 0 to 100 over the whole work; never falls. */
  percent: number;
  /** Where the stage is `failed`. */
  code?: ErrorCode;
}

export type ProgressListener = (progress: Progress) => void;

/** Progress of the files in the making, by key. A key can be watched before and after its work. */
export class ProgressEmitter {
  readonly #listeners = new Map<string, Set<ProgressListener>>();
  /** Last progress of each key that is neither done nor failed. */
  readonly #latest = new Map<string, Progress>();

  latest(key: string): Progress | undefined {
    return this.#latest.get(key);
  }

  /** Calls `listener` at every change of the key's progress. @returns ends that */
  watch(key: string, listener: ProgressListener): () => void {
    const listeners = this.#listeners.get(key) ?? new Set();
    this.#listeners.set(key, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(key) === listeners) this.#listeners.delete(key);
    };
  }

  emit(key: string, progress: Progress): void {
    if (progress.stage === 'done' || progress.stage === 'failed') this.#latest.delete(key);
    else this.#latest.set(key, progress);
    for (const listener of [...(this.#listeners.get(key) ?? [])]) listener(progress);
  }
}
