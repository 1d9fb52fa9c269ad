import { type ByteRange, type MediaMetadata, readMetadata, SNIFF_BYTES } from '../media/index.ts';
import {
  requestMedia,
  type UpstreamContext,
  type UpstreamRequest,
  type UpstreamResponse,
} from './request.ts';
import type { ResumePoint } from './resumable-body.ts';
import { LinkError, type MediaSource } from './source.ts';

/** Bytes of a body of unknown length that are held in memory to learn its length. */
const MAX_UNKNOWN_BYTES = 1024 * 1024;

export interface OpenContext extends UpstreamContext {
  link: string;
  source: MediaSource;
  /** Called while bytes are skipped. */
  onProgress: () => void;
}

export interface OpenedMedia {
  metadata: MediaMetadata;
  response: UpstreamResponse;
}

/**
 * Opens a file at its start, the whole of it or only as much as tells what it is.
 * @throws LinkError
 */
export async function openStart(context: OpenContext, whole: boolean): Promise<OpenedMedia> {
  const opened = await begin(context, whole ? null : { start: 0, end: SNIFF_BYTES - 1 });
  if (opened.metadata.size !== null || !whole) return opened;
  // A server that streams without a length may still tell it for a range.
  const ranged = await begin(context, { start: 0, end: null }).catch((error) => {
    if (error instanceof LinkError) return null;
    opened.response.body.destroy();
    throw error;
  });
  if (ranged?.metadata.size == null) {
    ranged?.response.body.destroy();
    return opened;
  }
  opened.response.body.destroy();
  return ranged;
}

function begin(context: OpenContext, range: UpstreamRequest['range']): Promise<OpenedMedia> {
  return requestAndCheck(context, range, null, async (response) => {
    const size = response.size ?? (await sizeByReading(response));
    const head = await response.body.peek(Math.min(SNIFF_BYTES, size ?? SNIFF_BYTES));
    const metadata = await readMetadata(head, size, response.lastModified);
    if (!metadata) throw new LinkError('no-media', `${head.length} bytes of no known type`);
    return { metadata, response: { ...response, size } };
  });
}

/** The length of a chunked body, null where it is longer than MAX_UNKNOWN_BYTES. */
async function sizeByReading({ body }: UpstreamResponse): Promise<number | null> {
  const { length } = await body.peek(MAX_UNKNOWN_BYTES);
  return length < MAX_UNKNOWN_BYTES ? length : null;
}

/**
 * Opens a known file at `range.start`, and checks its size and, where the server sends it, its start.
 * @throws LinkError
 */
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
 * Opens a file where a body broke. The link that broke is held to its own validator and asked for the exact byte.
 * Any other response has to repeat the last bytes delivered, because a new extraction may name a file of the same
 * size that was encoded again. Once the link that broke has another file (`replaced`), a response must also have the
 * old file's tag or date.
 * @throws LinkError
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
    // A file of unknown length may end right here.
    if (end !== null) await requireBody(response);
    return response;
  });
}

async function requireSameFile(response: UpstreamResponse, metadata: MediaMetadata): Promise<void> {
  if (metadata.size === null) return;
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

/** Mirrors have ETags of their own for the same bytes; their date is mostly that of the upload. */
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

/** Requests and checks a link; leaves no socket behind when the check fails. */
async function requestAndCheck<T>(
  context: OpenContext,
  range: UpstreamRequest['range'],
  validator: string | null,
  check: (response: UpstreamResponse) => Promise<T>,
): Promise<T> {
  const { source, link } = context;
  const response = await requestMedia({ source, link, range, validator }, context);
  try {
    return await check(response);
  } catch (error) {
    response.body.destroy();
    throw error;
  }
}
