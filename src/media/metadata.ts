import { strongEtag } from './etag.ts';
import { type MediaType, SNIFF_BYTES, sniffMedia } from './sniff.ts';

/** What is known of a file before its body is sent. */
export interface MediaMetadata extends MediaType {
  /** Bytes; null where only the end of the body tells. Such a file has no ranges. */
  size: number | null;
  /** Strong validator; null where the bytes are not known well enough. */
  etag: string | null;
  /** HTTP date. */
  lastModified: string | null;
}

/**
 * Metadata of a file at the CDN. Its ETag is a hash of the size and the first SNIFF_BYTES, because mirrors and new
 * extractions have other links, ETags and dates for the same bytes, and a client must be able to resume after them.
 * Two renditions of one post never share both size and start.
 * @param head at least the first SNIFF_BYTES of the file, or all of it
 * @param size bytes, or null where unknown
 * @returns null where the bytes are no media, or fewer than SNIFF_BYTES and the size ask for
 */
export async function readMetadata(
  head: Buffer,
  size: number | null,
  lastModified: string | null,
): Promise<MediaMetadata | null> {
  const start = head.subarray(0, SNIFF_BYTES);
  if (start.length < Math.min(SNIFF_BYTES, size ?? SNIFF_BYTES)) return null;
  const type = await sniffMedia(start);
  if (!type) return null;
  return { ...type, size, etag: size === null ? null : strongEtag(`${size}\n`, start), lastModified };
}
