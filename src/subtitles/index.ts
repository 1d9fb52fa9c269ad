import { Readable } from 'node:stream';
import { fetchToBuffer, type MediaClient, type MediaSource, type OpenOptions } from '../cdn/index.ts';
import { ServiceError } from '../errors.ts';
import { type MediaRequest, type MediaResponse, respond, strongEtag } from '../media/index.ts';
import { readCues } from './cues.ts';
import { type SubtitleFormat, WRITERS } from './formats.ts';

export { SUBTITLE_FORMATS, type SubtitleFormat } from './formats.ts';

/** An hour of speech takes some hundred kilobytes. */
const MAX_BYTES = 4 * 1024 * 1024;

interface SubtitleOptions extends OpenOptions {
  format: SubtitleFormat;
}

/**
 * Answers a request for subtitles in a format, in whatever format TikTok keeps them.
 * @throws ServiceError `upstream_failed`, or as `MediaClient.openMedia`
 */
export async function openSubtitle(
  media: MediaClient,
  source: MediaSource,
  request: MediaRequest,
  { format, ...options }: SubtitleOptions,
): Promise<MediaResponse> {
  const { bytes, extension } = await fetchToBuffer(media, source, { ...options, maxBytes: MAX_BYTES });
  const text = convertSubtitle(bytes.toString('utf8'), extension, format);
  if (text === null) {
    throw new ServiceError('upstream_failed', { cause: new Error(`no subtitles in a ${extension}`) });
  }
  const file = Buffer.from(text);
  const metadata = {
    mime: WRITERS[format].mime,
    extension: format,
    size: file.length,
    etag: strongEtag(file),
    lastModified: null,
  };
  return respond(request, metadata, (range) =>
    Readable.from([range ? file.subarray(range.start, range.end + 1) : file]),
  );
}

/** Null where the file has no readable cue. WebVTT is passed through as WebVTT. */
export function convertSubtitle(file: string, extension: string, format: SubtitleFormat): string | null {
  if (extension === 'vtt' && format === 'vtt') return file;
  const cues = readCues(file, extension);
  return cues.length === 0 ? null : WRITERS[format].write(cues);
}
