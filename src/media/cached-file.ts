import { createReadStream } from 'node:fs';
import type { MediaRequest } from './preconditions.ts';
import { type MediaResponse, type RespondOptions, respond } from './respond.ts';
import type { MediaType } from './sniff.ts';

/** A finished file on the disk, held for one response until released. */
export interface CachedFile {
  path: string;
  /** Bytes. */
  size: number;
  /** When it was written, Unix milliseconds. */
  mtimeMs: number;
  /** `fileEtag` of the bytes, so that instances which made the same bytes agree. */
  etag: string;
  release(): void;
}

/** Answers a request with a file on the disk, and releases the file once the body is closed. */
export async function respondWithFile(
  file: CachedFile,
  type: MediaType,
  request: MediaRequest,
  options?: RespondOptions,
): Promise<MediaResponse> {
  const metadata = {
    ...type,
    size: file.size,
    etag: file.etag,
    lastModified: new Date(file.mtimeMs).toUTCString(),
  };
  const response = await respond(
    request,
    metadata,
    (range) => createReadStream(file.path, range ?? {}),
    options,
  );
  if (response.body) response.body.once('close', () => file.release());
  else file.release();
  return response;
}
