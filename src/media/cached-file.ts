import type { Readable } from 'node:stream';
import type { MediaResponse } from '../cdn/index.ts';
import { evaluatePreconditions, headersFor, type MediaRequest } from './preconditions.ts';
import type { ByteRange } from './range.ts';

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
  { mime, extension }: { mime: string; extension: string },
  request: MediaRequest,
  { freshlyMade = false }: { freshlyMade?: boolean } = {},
): Promise<MediaResponse> {
  const { size, etag, lastModified } = file;
  const metadata = { mime, extension, size, etag, lastModified };
  // A client that resumes by offset alone holds bytes of an earlier file, which may differ.
  const blind = request.ifRange === undefined && !/^\s*bytes\s*=\s*0-/i.test(request.range ?? '');
  const verdict = evaluatePreconditions(
    freshlyMade && blind ? { ...request, range: undefined } : request,
    metadata,
  );
  const response = { status: verdict.status, headers: headersFor(verdict, metadata), mime, extension, size };
  if (request.method === 'HEAD' || verdict.status === 304 || verdict.status === 416) {
    file.release();
    return { ...response, body: null };
  }
  const body = file.open(verdict.status === 206 ? verdict.range : null);
  body.once('close', () => file.release());
  return { ...response, body };
}
