import type { ByteRange } from '../media/index.ts';
import { type MediaMetadata, readMetadata, SNIFF_BYTES } from '../media/index.ts';
import {
  requestMedia,
  type UpstreamContext,
  type UpstreamRequest,
  type UpstreamResponse,
} from './request.ts';
import type { ResumePoint } from './resumable-body.ts';
import { LinkError, type MediaSource } from './source.ts';

/** Up to here an response of unknown length (subtitles from an API, chunked) is read in full to learn it. */
const MAX_UNKNOWN_BYTES = 4 * 1024 * 1024;

export interface OpenContext extends UpstreamContext {
  link: string;
  source: MediaSource;
  /** Told while bytes are being skipped. */
  onProgress: () => void;
}

export interface OpenedMedia {
  metadata: MediaMetadata;
  response: UpstreamResponse;
}

/** Opens the file at its start, `whole` or only as much as tells what it is. */
export async function openStart(context: OpenContext, whole: boolean): Promise<OpenedMedia> {
  const range = whole ? null : { start: 0, end: SNIFF_BYTES - 1 };
  try {
    return await begin(context, range);
  } catch (error) {
    if (!(error instanceof LargeWithoutLength) || range !== null) throw error;
    // Asked for a range, a server that streams without a length says how large the file is.
    return begin(context, { start: 0 });
  }
}

class LargeWithoutLength extends LinkError {}

function begin(context: OpenContext, range: UpstreamRequest['range']): Promise<OpenedMedia> {
  return requestAndCheck(context, range, null, async (response) => {
    const { body } = response;
    const size = response.size ?? (await body.peek(MAX_UNKNOWN_BYTES)).length;
    if (response.size === null && size >= MAX_UNKNOWN_BYTES) {
      throw new LargeWithoutLength('length', 'a large body without a length');
    }
    const head = await body.peek(Math.min(SNIFF_BYTES, size));
    const metadata = await readMetadata(head, size, response.lastModified);
    if (!metadata) throw new LinkError('no-media', `${head.length} bytes of no known type`);
    return { metadata, response: { ...response, size } };
  });
}

/** Opens a known file at `range.start`. The size has to agree, and the start where the server sends it all. */
export function openRange(
  context: OpenContext,
  range: ByteRange,
  metadata: MediaMetadata,
): Promise<UpstreamResponse> {
  return requestAndCheck(context, range, null, async (response) => {
    await requireSameFile(response, metadata);
    await response.body.skip(range.start - response.start, context.onProgress);
    await requireBody(response);
    return response;
  });
}

/**
 * Opens a file in the middle to go on with a body that broke. The link that broke is held to its own validator
 * and asked for the exact byte. Any other response has to repeat the last bytes delivered: a new extraction may
 * hand out a file of the same size that was encoded again. That is no proof of the bytes to come, so once the link
 * that broke has another file (`replaced`), another response has to be of the old one by its tag or date as well.
 */
export function openResume(
  context: OpenContext,
  point: ResumePoint,
  metadata: MediaMetadata,
  replaced: boolean,
): Promise<UpstreamResponse> {
  const { position, end, tail, broken } = point;
  const validator = context.link === broken.link ? broken.validator : null;
  const start = validator === null ? position - tail.length : position;
  return requestAndCheck(context, { start, end }, validator, async (response) => {
    if (validator !== null && response.validator !== null && response.validator !== validator) {
      throw new LinkError('changed', 'another validator at the same link');
    }
    if (replaced && !isOfSameVersion(response, broken)) {
      throw new LinkError('changed', 'the link that broke has another file, and so may this one');
    }
    await requireSameFile(response, metadata);
    if (response.start < position) {
      await response.body.skip(position - tail.length - response.start, context.onProgress);
      if (!tail.equals(await response.body.peek(tail.length))) {
        throw new LinkError('changed', 'other bytes before the point of resuming');
      }
      await response.body.skip(tail.length, context.onProgress);
    }
    await requireBody(response);
    return response;
  });
}

async function requireSameFile(response: UpstreamResponse, metadata: MediaMetadata): Promise<void> {
  if (response.size !== null && response.size !== metadata.size) {
    throw new LinkError('changed', `${response.size} bytes instead of ${metadata.size}`);
  }
  if (response.start !== 0) return;
  const expected = Math.min(SNIFF_BYTES, metadata.size);
  const head = await response.body.peek(expected);
  if (head.length < expected && response.body.status === 206) return;
  const found = await readMetadata(head, metadata.size, null);
  if (found?.etag !== metadata.etag) throw new LinkError('changed', 'another start');
}

/** Mirrors have tags of their own for the same bytes, but the date is mostly that of the upload. */
function isOfSameVersion(
  response: UpstreamResponse,
  { validator, lastModified }: ResumePoint['broken'],
): boolean {
  return (
    (validator !== null && response.validator === validator) ||
    (lastModified !== null && response.lastModified === lastModified)
  );
}

async function requireBody({ body }: UpstreamResponse): Promise<void> {
  if ((await body.peek(1)).length === 0) throw new LinkError('no-media', 'no bytes');
}

/** Asks, examines, and lets no socket behind when the examination fails. */
async function requestAndCheck<T>(
  context: OpenContext,
  range: UpstreamRequest['range'],
  validator: string | null,
  examine: (response: UpstreamResponse) => Promise<T>,
): Promise<T> {
  const response = await requestMedia(
    { source: context.source, link: context.link, range, validator },
    context,
  );
  try {
    return await examine(response);
  } catch (error) {
    response.body.destroy();
    throw error;
  }
}
