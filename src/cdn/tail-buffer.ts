/** How many delivered bytes a resumed response from another link has to repeat before it is trusted. */
const TAIL_BYTES = 4096;

/** A copy of the last bytes that were delivered, so that no chunk of the socket is kept alive. */
export class TailBuffer {
  readonly #bytes = Buffer.allocUnsafe(TAIL_BYTES);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  append(chunk: Buffer): void {
    const added = chunk.length > TAIL_BYTES ? chunk.subarray(-TAIL_BYTES) : chunk;
    const kept = Math.min(this.#length, TAIL_BYTES - added.length);
    this.#bytes.copyWithin(0, this.#length - kept, this.#length);
    added.copy(this.#bytes, kept);
    this.#length = kept + added.length;
  }

  equals(bytes: Buffer): boolean {
    return this.#bytes.subarray(0, this.#length).equals(bytes);
  }
}
