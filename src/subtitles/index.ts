import { Readable } from 'node:stream';
import { fetchToBuffer, type MediaClient, type MediaSource, type OpenOptions } from '../cdn/index.ts';
import { ServiceError } from '../errors.ts';
import { type MediaRequest, type MediaResponse, respond, strongEtag } from '../media/index.ts';
import { toVtt } from './vtt.ts';

const VTT = { mime: 'text/vtt; charset=utf-8', extension: 'vtt' };

/** An hour of speech takes some hundred kilobytes. */
const MAX_BYTES = 4 * 1024 * 1024;

/**
 * Answers a request for subtitles as WebVTT, in whatever format TikTok keeps them.
 * @throws ServiceError `upstream_failed`, or as `MediaClient.openMedia`
 */
export async function openSubtitle(
  media: MediaClient,
  source: MediaSource,
  request: MediaRequest,
  options: OpenOptions,
): Promise<MediaResponse> {
  const { bytes, extension } = await fetchToBuffer(media, source, { ...options, maxBytes: MAX_BYTES });
  const text = toVtt(bytes.toString('utf8'), extension);
  if (text === null) {
    throw new ServiceError('upstream_failed', { cause: new Error(`no subtitles in a ${extension}`) });
  }
  const vtt = Buffer.from(text);
  const metadata = { ...VTT, size: vtt.length, etag: strongEtag(vtt), lastModified: null };
  return respond(request, metadata, (range) =>
    Readable.from([range ? vtt.subarray(range.start, range.end + 1) : vtt]),
  );
}
