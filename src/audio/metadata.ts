import { join } from 'node:path';
import type { Logger } from 'pino';
import { fetchToFile, type MediaClient } from '../cdn/index.ts';
import type { Tags } from './tags.ts';

/** What adorns an MP3: the words, and the fetched picture where there is one. */
export interface Mp3Metadata {
  tags: Omit<Tags, 'cover'>;
  picture: string | null;
}

/** A cover is not worth waiting for longer than this. */
const PATIENCE_MS = 15_000;
const MAX_COVER_BYTES = 10 * 1024 * 1024;

/**
 * Gathers tags and cover. Never fails: a download must not end for want of its picture or its title.
 * @param folder where the picture is put
 */
export async function fetchMetadata(
  tags: (signal: AbortSignal) => Promise<Tags>,
  folder: string,
  { media, log, signal }: { media: MediaClient; log: Pick<Logger, 'warn'>; signal: AbortSignal },
): Promise<Mp3Metadata> {
  const ending = new AbortController();
  const end = () => ending.abort(signal.reason);
  const timer = setTimeout(() => ending.abort(new Error('took too long')), PATIENCE_MS);
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  const ornaments: Mp3Metadata = { tags: { title: '', artist: '', album: '' }, picture: null };
  try {
    const { cover, ...words } = await orAbort(tags(ending.signal), ending.signal);
    ornaments.tags = words;
    if (cover) {
      const picture = join(folder, 'picture');
      await fetchToFile(media, cover, picture, { signal: ending.signal, maxBytes: MAX_COVER_BYTES });
      ornaments.picture = picture;
    }
  } catch (err) {
    if (!signal.aborted) log.warn({ err }, 'an MP3 goes without its tags or its cover');
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
  }
  return ornaments;
}

/** The promise, or the signal's reason as soon as it aborts. */
function orAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
