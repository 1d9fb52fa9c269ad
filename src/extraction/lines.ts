/** Upper bound of a reply; a thread's heap has no room for more. */
const MAX_LINE_BYTES = 2 * 1024 * 1024;

/** Splits a byte stream into lines of text. */
export class LineSplitter {
  #pending: Buffer[] = [];
  #size = 0;

  /** @throws RangeError when a line has more than MAX_LINE_BYTES */
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
