/** The part of zip-stream that is used here; the package brings no types. */
declare module 'zip-stream' {
  import type { Transform } from 'node:stream';

  export default class ZipStream extends Transform {
    constructor(options: { store: true });
    /** Takes a file in and calls back when its last byte is in the archive. One at a time. */
    entry(source: Buffer, data: { name: string; date: Date }, done: (error: Error | null) => void): void;
    /** Writes the directory at the end. */
    finalize(): void;
  }
}
