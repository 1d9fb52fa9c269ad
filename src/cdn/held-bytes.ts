/** Bytes that arrived before anyone takes them: looked at, skipped, or handed on. */
export class HeldBytes {
  #chunks: Buffer[] = [];
  #length = 0;
  #toSkip = 0;

  get length(): number {
    return this.#length;
  }

  /** Whether bytes of a `skip` are still to come. */
  get skipping(): boolean {
    return this.#toSkip > 0;
  }

  push(chunk: Buffer): void {
    const skipped = Math.min(this.#toSkip, chunk.length);
    this.#toSkip -= skipped;
    if (skipped === chunk.length) return;
    this.#chunks.push(chunk.subarray(skipped));
    this.#length += chunk.length - skipped;
  }

  /** Discards the next `length` bytes, held or still to come. */
  skip(length: number): void {
    this.#toSkip += length;
    for (const chunk of this.takeAll()) this.push(chunk);
  }

  /** The first `length` bytes, or all there are; they stay held. */
  peek(length: number): Buffer {
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [all];
    return all.subarray(0, length);
  }

  takeAll(): Buffer[] {
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#length = 0;
    return chunks;
  }
}
