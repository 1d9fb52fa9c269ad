import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  fetchToBuffer,
  type MediaClient,
  type MediaResponse,
  type MediaSource,
  type OpenOptions,
} from '../cdn/index.ts';
import { ServiceError } from '../errors.ts';
import { evaluatePreconditions, headersFor, type MediaRequest } from '../media/index.ts';
import { toVtt } from './vtt.ts';

const VTT = { mime: 'text/vtt; charset=utf-8', extension: 'vtt' };

/** An hour of speech has some hundred kilobytes. */
const MAX_BYTES = 4 * 1024 * 1024;

/**
 * Answers a request for subtitles, as WebVTT whatever TikTok keeps them as.
 * @throws ServiceError `upstream_failed`, or as MediaClient.open
 */
export async function openSubtitle(
  media: MediaClient,
  source: MediaSource,
  request: MediaRequest,
  options: OpenOptions,
): Promise<MediaResponse> {
  const { bytes, extension } = await fetchToBuffer(media, source, { ...options, maxBytes: MAX_BYTES });
  const text = toVtt(bytes.toString('utf8'), extension);
  if (text === null)
    throw new ServiceError('upstream_failed', { cause: new Error(`no subtitles in a ${extension}`) });
  const vtt = Buffer.from(text);
  const etag = `"${createHash('sha256').update(vtt).digest('base64url').slice(0, 27)}"`;
  const facts = { ...VTT, size: vtt.length, etag, lastModified: null };
  const verdict = evaluatePreconditions(request, facts);
  const bare = request.method === 'HEAD' || verdict.status === 304 || verdict.status === 416;
  const part = verdict.status === 206 ? vtt.subarray(verdict.range.start, verdict.range.end + 1) : vtt;
  return {
    ...VTT,
    status: verdict.status,
    headers: headersFor(verdict, facts),
    size: vtt.length,
    body: bare ? null : Readable.from([part]),
  };
}
