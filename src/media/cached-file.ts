import { createReadStream } from 'node:fs';
import type { MediaResponse } from '../cdn/index.ts';
import { evaluatePreconditions, headersFor, type MediaRequest } from '../media/index.ts';

/** A finished file of ours on the disk, held for one reader until released. */
export interface CachedFile {
  path: string;
  /** Bytes. */
  size: number;
  mtimeMs: number;
  release(): void;
}

/** Serves a kept file as the CDN's are served: ranges, conditions, exact lengths. Releases it when it is sent. */
export function respondWithFile(
  file: CachedFile,
  { mime, extension }: { mime: string; extension: string },
  request: MediaRequest,
): MediaResponse {
  const metadata = {
    mime,
    extension,
    size: file.size,
    etag: `"${file.size.toString(36)}-${Math.trunc(file.mtimeMs).toString(36)}"`,
    lastModified: new Date(file.mtimeMs).toUTCString(),
  };
  const verdict = evaluatePreconditions(request, metadata);
  const response = {
    status: verdict.status,
    headers: headersFor(verdict, metadata),
    mime,
    extension,
    size: file.size,
  };
  if (request.method === 'HEAD' || verdict.status === 304 || verdict.status === 416) {
    file.release();
    return { ...response, body: null };
  }
  const body = createReadStream(file.path, verdict.status === 206 ? verdict.range : {});
  body.once('close', () => file.release());
  return { ...response, body };
}
