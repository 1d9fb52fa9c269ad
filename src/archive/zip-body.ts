import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { localHeader, type PlacedFile, type ZipFile, zipDirectory } from './zip-format.ts';

/** A file that goes into an archive. */
export interface ZipEntry extends ZipFile {
  /** Fetches exactly `size` bytes to `path`, and returns their CRC-32. */
  fetchTo(path: string, signal: AbortSignal): Promise<number>;
}

export interface ZipBodyOptions {
  entries: readonly ZipEntry[];
  date: Date;
  /** An empty folder for the files under way. */
  folder: string;
  /** Destroys the body. */
  signal: AbortSignal;
  /** Called once when nothing uses the folder any more. */
  onClosed: () => Promise<void>;
}

/** What one archive reads ahead of its client, in bytes. */
const READ_AHEAD_BYTES = 32 * 1024;

/**
 * The bytes of an archive. Each file is fetched to the disk before its header is sent, for the header holds its
 * checksum: one file while the previous one is read, so at most two are on the disk. Where a file fails the body ends
 * with an error.
 */
export class ZipBody extends Readable {
  readonly #options: ZipBodyOptions;
  readonly #closed = new AbortController();
  readonly #bytes: AsyncGenerator<Buffer>;
  #fetching: Promise<number> | null = null;

  constructor(options: ZipBodyOptions) {
    super({ highWaterMark: READ_AHEAD_BYTES, signal: options.signal });
    this.#options = options;
    this.#bytes = this.#generate();
  }

  override _read(): void {
    this.#bytes.next().then(
      ({ done, value }) => {
        if (!this.destroyed) this.push(done ? null : value);
      },
      (error) => this.destroy(error instanceof Error ? error : new Error(String(error))),
    );
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#closed.abort(error ?? new Error('the archive is no longer read'));
    void this.#cleanUp().finally(() => callback(error));
  }

  async #cleanUp(): Promise<void> {
    await this.#bytes.return(undefined).catch(() => undefined);
    await this.#fetching?.catch(() => undefined);
    await this.#options.onClosed();
  }

  async *#generate(): AsyncGenerator<Buffer> {
    const { entries, date } = this.#options;
    const placed: PlacedFile[] = [];
    let offset = 0;
    for (const [index, { name, size }] of entries.entries()) {
      const crc = await (this.#fetching ?? this.#fetch(index));
      this.#fetching = index + 1 < entries.length ? this.#fetch(index + 1) : null;
      const header = localHeader({ name, size, crc }, date);
      placed.push({ name, size, crc, offset });
      offset += header.length + size;
      yield header;
      yield* createReadStream(this.#path(index), { highWaterMark: READ_AHEAD_BYTES });
      await rm(this.#path(index));
    }
    yield zipDirectory(placed, date);
  }

  #fetch(index: number): Promise<number> {
    const entry = this.#options.entries[index];
    if (!entry) return Promise.reject(new RangeError(`no entry ${index}`));
    const fetching = entry.fetchTo(this.#path(index), this.#closed.signal);
    // Its failure is seen when its turn comes.
    fetching.catch(() => undefined);
    return fetching;
  }

  #path(index: number): string {
    return join(this.#options.folder, String(index));
  }
}
