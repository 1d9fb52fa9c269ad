import type { ErrorCode } from '../errors.ts';

export type Stage = 'queued' | 'fetching' | 'rendering' | 'done' | 'failed';

export interface Progress {
  stage: Stage;
  /** 0 to 100 over the whole work, never falling. */
  percent: number;
  /** Where the stage is `failed`. */
  code?: ErrorCode;
}

export type ProgressListener = (progress: Progress) => void;

/** What became of each file, told to everybody who watches it, from before its start until after its end. */
export class ProgressEmitter {
  readonly #listeners = new Map<string, Set<ProgressListener>>();

  /** Calls `listener` with every change of `key`'s progress. Returns what stops that. */
  watch(key: string, listener: ProgressListener): () => void {
    const listeners = this.#listeners.get(key) ?? new Set();
    this.#listeners.set(key, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(key) === listeners) this.#listeners.delete(key);
    };
  }

  emit(key: string, progress: Progress): void {
    for (const listener of [...(this.#listeners.get(key) ?? [])]) listener(progress);
  }
}
