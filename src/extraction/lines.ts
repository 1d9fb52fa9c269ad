/** A reply holds one item, some ten kilobytes; a longer line is none, and would not fit into a thread's heap. */
const MAX_LINE_BYTES = 2 * 1024 * 1024;

/** Cuts a byte stream into lines. Bytes in, text out; knows nothing of sockets. */
export class LineSplitter {
  #pending: Buffer[] = [];
  #size = 0;

  /** @throws RangeError when a line grows beyond all reason */
  *push(chunk: Buffer): Generator<string> {
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      this.#pending.push(chunk.subarray(start, end));
      const line = Buffer.concat(this.#pending).toString('utf8');
      this.#pending = [];
      this.#size = 0;
      start = end + 1;
      yield line;
    }
    if (start < chunk.length) {
      this.#pending.push(chunk.subarray(start));
      this.#size += chunk.length - start;
      if (this.#size > MAX_LINE_BYTES) throw new RangeError('a line without an end');
    }
  }
}
