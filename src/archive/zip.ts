import { createHash } from 'node:crypto';
import { addAbortSignal, type Readable } from 'node:stream';
import ZipStream from 'zip-stream';

/** A file to be put into an archive, of known length. */
export interface Entry {
  /** Without folders. */
  name: string;
  /** Bytes. */
  size: number;
  /** Strong validator of the bytes. */
  etag: string;
  /** Begins to fetch the bytes: exactly `size` of them, or an error. */
  open: (signal: AbortSignal) => Promise<Readable>;
}

/** In every archive of stored entries that came as streams: local header, descriptor, directory entry; the end. */
const LOCAL_HEADER = 30;
const DATA_DESCRIPTOR = 16;
const DIRECTORY_ENTRY = 46;
const DIRECTORY_END = 22;

/** Bytes of the archive of these entries, known before the first of them is fetched. */
export function zipSize(entries: readonly Entry[]): number {
  const each = entries.map(
    ({ name, size }) => LOCAL_HEADER + DATA_DESCRIPTOR + DIRECTORY_ENTRY + 2 * Buffer.byteLength(name) + size,
  );
  return each.reduce((sum, bytes) => sum + bytes, DIRECTORY_END);
}

/** The same where the archive's bytes are the same. */
export function zipEtag(entries: readonly Entry[], date: Date): string {
  const hash = createHash('sha256').update(date.toISOString());
  for (const { name, size, etag } of entries) hash.update(`\n${name} ${size} ${etag}`);
  return `"${hash.digest('base64url').slice(0, 27)}"`;
}

/**
 * The archive as a stream: entries fetched one after the other, as they are read, and stored as they are, for photos
 * are compressed already. Where an entry fails the stream ends with its error: a broken connection, not a short file.
 */
export function zipOf(entries: readonly Entry[], date: Date, signal: AbortSignal): Readable {
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
  entries: readonly Entry[],
  date: Date,
  signal: AbortSignal,
): Promise<void> {
  try {
    for (const { name, open } of entries) {
      const source = await open(signal);
      // Never settles where the archive is let go of meanwhile: then there is nothing left to do.
      await new Promise<void>((resolve, reject) => {
        zip.entry(source, { name, date }, (error) => (error ? reject(error) : resolve()));
      });
    }
    zip.finalize();
  } catch (error) {
    zip.destroy(error instanceof Error ? error : new Error(String(error)));
  }
}
