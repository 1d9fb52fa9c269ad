/** Bytes of one slot: the time of its last request, Unix milliseconds. */
const SLOT_BYTES = BigInt64Array.BYTES_PER_ELEMENT;

/**
 * Spaces requests out over all worker threads, which share its memory: one slot for each egress and kind of request.
 */
export class Pacer {
  readonly #last: BigInt64Array;

  constructor(memory: SharedArrayBuffer) {
    this.#last = new BigInt64Array(memory);
  }

  static memory(slots: number): SharedArrayBuffer {
    return new SharedArrayBuffer(slots * SLOT_BYTES);
  }

  /**
   * Takes the next free time of a slot.
   * @param intervalMs between two requests
   * @param patienceMs longest wait that the caller accepts
   * @returns milliseconds to wait; null where that would be longer, and nothing is taken
   */
  reserve(slot: number, intervalMs: number, patienceMs: number, now = Date.now()): number | null {
    for (;;) {
      const last = Atomics.load(this.#last, slot);
      const at = Math.max(now, Number(last) + intervalMs);
      if (at - now > patienceMs) return null;
      if (Atomics.compareExchange(this.#last, slot, last, BigInt(at)) === last) return at - now;
    }
  }
}
