import { createHash } from 'node:crypto';
import { type MediaType, SNIFF_BYTES, sniffMedia } from './sniff.ts';

/** What is known of a file once its start has been seen. */
export interface MediaMetadata extends MediaType {
  /** Bytes. */
  size: number;
  /**
   * The strong validator sent to clients: a hash of the size and the first 4 KiB. Made from the bytes because
   * nothing else survives healing: mirrors and new extractions have other links, other ETags (where they have
   * any) and other dates for the same bytes, and a client that resumes after that must get its 206. The start of
   * an MP4 holds the sample tables or the first frames, that of an image its size, tables and first rows, so two
   * files that share both size and start do not occur for one rendition of one post. It also stays the same over
   * restarts and between replicas.
   */
  etag: string;
  /** The upstream's, as an HTTP date. */
  lastModified: string | null;
}

/** @returns null where the bytes are no media, or fewer than the file's size asks for */
export async function readMetadata(
  head: Buffer,
  size: number,
  lastModified: string | null,
): Promise<MediaMetadata | null> {
  const start = head.subarray(0, SNIFF_BYTES);
  if (start.length < Math.min(SNIFF_BYTES, size)) return null;
  const type = await sniffMedia(start);
  if (!type) return null;
  const hash = createHash('sha256').update(`${size}\n`).update(start).digest('base64url').slice(0, 27);
  return { ...type, size, etag: `"${hash}"`, lastModified };
}
