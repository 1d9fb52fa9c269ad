import type { Readable } from 'node:stream';
import type { MediaMetadata } from './metadata.ts';
import { evaluatePreconditions, type MediaRequest, type PreconditionResult } from './preconditions.ts';
import { type ByteRange, parseRange } from './range.ts';

/** A response about a file, ready to be sent. */
export interface MediaResponse {
  status: PreconditionResult['status'];
  /** Content-Type, -Length, -Range, Accept-Ranges, ETag, Last-Modified; lower-case names. */
  headers: Readonly<Record<string, string>>;
  mime: string;
  /** Without a dot. */
  extension: string;
  /** Bytes of the whole file; null where unknown. */
  size: number | null;
  /** Null where the response has none (HEAD, 304, 412, 416). Must be read or destroyed. */
  body: Readable | null;
}

/** Opens the bytes of a range of the file; null asks for the whole file. Returns null where another program sends them. */
export type OpenBody = (range: ByteRange | null) => Readable | null | Promise<Readable>;

export interface RespondOptions {
  /** False for a file that is produced while it is sent, and can only be read from its start. */
  ranges?: boolean;
  /**
   * Whether the file was made for this request. A client that resumes by offset alone holds bytes of an earlier
   * file, which may differ: unless a validator says that they are the same, it gets the whole file.
   */
  freshlyMade?: boolean;
}

/** Answers a request about a file: conditions, range, headers, and the body where there is one. */
export async function respond(
  request: MediaRequest,
  metadata: MediaMetadata,
  openBody: OpenBody,
  { ranges = true, freshlyMade = false }: RespondOptions = {},
): Promise<MediaResponse> {
  const ignoresRange = !ranges || (freshlyMade && isBlindResume(request));
  const result = evaluatePreconditions(ignoresRange ? { ...request, range: undefined } : request, metadata);
  const { mime, extension, size } = metadata;
  const headers = headersFor(result, metadata, ranges && size !== null);
  const hasBody = request.method === 'GET' && (result.status === 200 || result.status === 206);
  const body = hasBody ? await openBody(result.status === 206 ? result.range : null) : null;
  return { status: result.status, headers, mime, extension, size, body };
}

function isBlindResume({ range, ifRange, ifMatch }: MediaRequest): boolean {
  if (ifRange !== undefined || ifMatch !== undefined) return false;
  const parsed = parseRange(range, Number.MAX_SAFE_INTEGER);
  return parsed === 'unsatisfiable' || (parsed !== null && parsed.start !== 0);
}

function headersFor(
  result: PreconditionResult,
  { mime, size, etag, lastModified }: MediaMetadata,
  acceptsRanges: boolean,
): Record<string, string> {
  const validators = {
    'accept-ranges': acceptsRanges ? 'bytes' : 'none',
    ...(etag !== null && { etag }),
    ...(lastModified !== null && { 'last-modified': lastModified }),
  };
  switch (result.status) {
    case 304:
      return validators;
    case 412:
      return { ...validators, 'content-length': '0' };
    case 416:
      return { ...validators, 'content-range': `bytes */${size}`, 'content-length': '0' };
    case 206: {
      const { start, end } = result.range;
      return {
        ...validators,
        'content-type': mime,
        'content-length': String(end - start + 1),
        'content-range': `bytes ${start}-${end}/${size}`,
      };
    }
    case 200:
      return {
        ...validators,
        'content-type': mime,
        ...(size !== null && { 'content-length': String(size) }),
      };
  }
}
