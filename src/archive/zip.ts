import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { addAbortSignal, type Readable } from 'node:stream';
import ZipStream from 'zip-stream';

/** A file to be put into an archive, of known length. */
export interface ZipEntry {
  /** Without folders. */
  name: string;
  /** Bytes. */
  size: number;
  /** Strong validator of the bytes. */
  etag: string;
  /** Fetches the bytes: exactly `size` of them, or an error. */
  fetch: (signal: AbortSignal) => Promise<Buffer>;
}

/** In every archive of stored entries: local header, directory entry; the end. */
const LOCAL_HEADER = 30;
const DIRECTORY_ENTRY = 46;
const DIRECTORY_END = 22;

/** Bytes of the archive of these entries, known before the first of them is fetched. */
export function zipSize(entries: readonly ZipEntry[]): number {
  const each = entries.map(
    ({ name, size }) => LOCAL_HEADER + DIRECTORY_ENTRY + 2 * Buffer.byteLength(name) + size,
  );
  return each.reduce((sum, bytes) => sum + bytes, DIRECTORY_END);
}

/** The same where the archive's bytes are the same. */
export function zipEtag(entries: readonly ZipEntry[], date: Date): string {
  const hash = createHash('sha256').update(date.toISOString());
  for (const { name, size, etag } of entries) hash.update(`\n${name} ${size} ${etag}`);
  return `"${hash.digest('base64url').slice(0, 27)}"`;
}

/**
 * The archive as a stream: entries fetched one after the other, as they are read, and stored as they are, for photos
 * are compressed already. Each is in memory whole before its header is written, for the header holds its checksum:
 * the form that leaves it for later (a data descriptor) is refused for stored entries by some readers, Java's first. Where an entry fails the stream ends with its error: a broken connection, not a short file.
 */
export function zipOf(entries: readonly ZipEntry[], date: Date, signal: AbortSignal): Readable {
  const zip = new ZipStream({ store: true });
  // It may fail before its reader listens.
  zip.on('error', () => {});
  const gone = new AbortController();
  zip.once('close', () => gone.abort(new Error('the archive is no longer read')));
  void fill(zip, entries, date, gone.signal);
  return addAbortSignal(signal, zip);
}

async function fill(
  zip: ZipStream,
  entries: readonly ZipEntry[],
  date: Date,
  signal: AbortSignal,
): Promise<void> {
  try {
    for (const { name, fetch } of entries) {
      const bytes = await fetch(signal);
      // Never settles where the archive is let go of meanwhile: then there is nothing left to do.
      await new Promise<void>((resolve, reject) => {
        zip.entry(bytes, { name, date }, (error) => (error ? reject(error) : resolve()));
      });
      // The next one only when this one has been read.
      if (zip.writableNeedDrain) await once(zip, 'drain', { signal });
    }
    zip.finalize();
  } catch (error) {
    zip.destroy(error instanceof Error ? error : new Error(String(error)));
  }
}
