import fresh from 'fresh';
import type { MediaMetadata } from './metadata.ts';
import { type ByteRange, parseRange } from './range.ts';

/** The headers of a request that decide which part of a file is sent: raw values, never sent upstream. */
export interface MediaRequest {
  method: 'GET' | 'HEAD';
  range?: string | undefined;
  ifRange?: string | undefined;
  ifMatch?: string | undefined;
  ifUnmodifiedSince?: string | undefined;
  ifNoneMatch?: string | undefined;
  ifModifiedSince?: string | undefined;
}

export type PreconditionResult =
  | { status: 200 }
  | { status: 206; range: ByteRange }
  | { status: 304 }
  | { status: 412 }
  | { status: 416 };

/** A date is a strong validator only when the file is at least this much older (RFC 9110 §8.8.2.2). */
const STRONG_DATE_MS = 60_000;

/** Evaluates a request's conditions and range against a file, in the order of RFC 9110 §13.2.2. */
export function evaluatePreconditions(request: MediaRequest, metadata: MediaMetadata): PreconditionResult {
  if (!isMatch(request, metadata)) return { status: 412 };
  if (isFresh(request, metadata)) return { status: 304 };
  if (request.method === 'HEAD' || metadata.size === null || !ifRangeHolds(request.ifRange, metadata)) {
    return { status: 200 };
  }
  const range = parseRange(request.range, metadata.size);
  if (range === null) return { status: 200 };
  return range === 'unsatisfiable' ? { status: 416 } : { status: 206, range };
}

/** If-Match (strong comparison), or If-Unmodified-Since where there is none. */
function isMatch(
  { ifMatch, ifUnmodifiedSince }: MediaRequest,
  { etag, lastModified }: MediaMetadata,
): boolean {
  if (ifMatch !== undefined) {
    const tags: readonly string[] = ifMatch.match(/(?:W\/)?"[^"]*"/g) ?? [];
    return ifMatch.trim() === '*' || (etag !== null && tags.includes(etag));
  }
  const since = Date.parse(ifUnmodifiedSince ?? '');
  return Number.isNaN(since) || lastModified === null || Date.parse(lastModified) <= since;
}

/** If-None-Match (weak comparison), or If-Modified-Since where there is none. */
function isFresh(request: MediaRequest, { etag, lastModified }: MediaMetadata): boolean {
  return fresh(
    {
      ...(request.ifNoneMatch !== undefined && { 'if-none-match': request.ifNoneMatch.trim() }),
      ...(request.ifModifiedSince !== undefined && { 'if-modified-since': request.ifModifiedSince }),
    },
    { ...(etag !== null && { etag }), ...(lastModified !== null && { 'last-modified': lastModified }) },
  );
}

/** Strong comparison: a weak tag never matches. */
function ifRangeHolds(ifRange: string | undefined, { etag, lastModified }: MediaMetadata): boolean {
  if (ifRange === undefined) return true;
  const validator = ifRange.trim();
  if (validator.includes('"')) return validator === etag;
  if (lastModified === null) return false;
  const modified = Date.parse(lastModified);
  return Date.parse(validator) === modified && Date.now() - modified >= STRONG_DATE_MS;
}
