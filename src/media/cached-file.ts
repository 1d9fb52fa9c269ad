import type { Readable } from 'node:stream';
import type { MediaRequest } from './preconditions.ts';
import type { ByteRange } from './range.ts';
import { type MediaResponse, type RespondOptions, respond } from './respond.ts';
import type { MediaType } from './sniff.ts';

/** A finished file on the disk, open for one response until released. */
export interface CachedFile {
  /** Bytes. */
  size: number;
  /** `fileEtag` of the bytes, so that instances which made the same bytes agree. */
  etag: string;
  /** HTTP date. */
  lastModified: string;
  /** The bytes of a range, or all of them. At most once. */
  open(range: ByteRange | null): Readable;
  release(): void;
}

/** Answers a request with a file on the disk, and releases the file once the body is closed. */
export async function respondWithFile(
  file: CachedFile,
  type: MediaType,
  request: MediaRequest,
  options?: RespondOptions,
): Promise<MediaResponse> {
  const { size, etag, lastModified } = file;
  const metadata = { ...type, size, etag, lastModified };
  const response = await respond(request, metadata, (range) => file.open(range), options);
  if (response.body) response.body.once('close', () => file.release());
  else file.release();
  return response;
}
