import type { Network } from './client-key.ts';

/** How many of something each network holds at a time. */
export class NetworkCounter {
  readonly #counts = new Map<string, number>();
  readonly #each: number | null;

  /** @param each for a network of factor 1; null for no limit */
  constructor(each: number | null) {
    this.#each = each;
  }

  /** @returns how to give it back (more than once does nothing), or null where one of the networks has its share */
  take(networks: readonly Network[]): (() => void) | null {
    const each = this.#each;
    if (each === null) return () => {};
    if (networks.some(({ key, factor }) => (this.#counts.get(key) ?? 0) >= each * factor)) return null;
    for (const { key } of networks) this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      for (const { key } of networks) {
        const left = (this.#counts.get(key) ?? 1) - 1;
        if (left > 0) this.#counts.set(key, left);
        else this.#counts.delete(key);
      }
    };
  }
}
