/** How many delivered bytes a resumed response from elsewhere has to repeat before it is trusted. */
const TAIL_BYTES = 4096;

/** The last bytes that were delivered. Copied into one small buffer, so that no 64 KiB slab is kept alive. */
export class TailBuffer {
  readonly #bytes = Buffer.allocUnsafe(TAIL_BYTES);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  append(chunk: Buffer): void {
    const fresh = chunk.length > TAIL_BYTES ? chunk.subarray(-TAIL_BYTES) : chunk;
    const kept = Math.min(this.#length, TAIL_BYTES - fresh.length);
    this.#bytes.copyWithin(0, this.#length - kept, this.#length);
    fresh.copy(this.#bytes, kept);
    this.#length = kept + fresh.length;
  }

  equals(bytes: Buffer): boolean {
    return this.#bytes.subarray(0, this.#length).equals(bytes);
  }
}
