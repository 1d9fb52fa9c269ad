import fresh from 'fresh';
import type { MediaMetadata } from './metadata.ts';
import { type ByteRange, parseRange } from './range.ts';

/** What a client asked, in its own words: raw header values. None of them is ever sent upstream. */
export interface MediaRequest {
  method: 'GET' | 'HEAD';
  range?: string | undefined;
  ifRange?: string | undefined;
  ifNoneMatch?: string | undefined;
  ifModifiedSince?: string | undefined;
}

export type PreconditionResult =
  | { status: 200 }
  | { status: 206; range: ByteRange }
  | { status: 304 }
  | { status: 416 };

/** A date is a strong validator only when the file rested for a while after it (RFC 9110 §8.8.2.2). */
const STRONG_DATE_MS = 60_000;

/** What a request gets of a file, in the order of RFC 9110 §13.2.2. */
export function evaluatePreconditions(request: MediaRequest, metadata: MediaMetadata): PreconditionResult {
  const asked = {
    ...(request.ifNoneMatch === undefined ? {} : { 'if-none-match': request.ifNoneMatch.trim() }),
    ...(request.ifModifiedSince === undefined ? {} : { 'if-modified-since': request.ifModifiedSince }),
  };
  const have = {
    etag: metadata.etag,
    ...(metadata.lastModified === null ? {} : { 'last-modified': metadata.lastModified }),
  };
  if (fresh(asked, have)) return { status: 304 };
  if (request.method === 'HEAD' || !ifRangeHolds(request.ifRange, metadata)) return { status: 200 };
  const range = parseRange(request.range, metadata.size);
  if (range === null) return { status: 200 };
  return range === 'unsatisfiable' ? { status: 416 } : { status: 206, range };
}

/** Whether the file is the one that If-Range names; strong comparison, so a weak tag never matches. */
function ifRangeHolds(ifRange: string | undefined, metadata: MediaMetadata): boolean {
  if (ifRange === undefined) return true;
  const given = ifRange.trim();
  if (given.includes('"')) return given === metadata.etag;
  if (metadata.lastModified === null) return false;
  const modified = Date.parse(metadata.lastModified);
  return Date.parse(given) === modified && Date.now() - modified >= STRONG_DATE_MS;
}

/** Headers for a verdict; no Content-Length with a 304. */
export function headersFor(verdict: PreconditionResult, metadata: MediaMetadata): Record<string, string> {
  const validators = {
    'accept-ranges': 'bytes',
    etag: metadata.etag,
    ...(metadata.lastModified === null ? {} : { 'last-modified': metadata.lastModified }),
  };
  switch (verdict.status) {
    case 304:
      return validators;
    case 416:
      return { ...validators, 'content-range': `bytes */${metadata.size}`, 'content-length': '0' };
    case 206: {
      const { start, end } = verdict.range;
      return {
        ...validators,
        'content-type': metadata.mime,
        'content-length': String(end - start + 1),
        'content-range': `bytes ${start}-${end}/${metadata.size}`,
      };
    }
    case 200:
      return { ...validators, 'content-type': metadata.mime, 'content-length': String(metadata.size) };
  }
}
