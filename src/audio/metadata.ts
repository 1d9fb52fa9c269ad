import { join } from 'node:path';
import type { Logger } from 'pino';
import { fetchToFile, type MediaClient } from '../cdn/index.ts';
import { abortable, deadline } from '../concurrency/index.ts';
import { MAX_COVER_BYTES, METADATA_LIMIT_MS } from '../renders/index.ts';
import type { Tags } from './tags.ts';

/** What a sound says about itself: its tags, and the path of the fetched picture. */
export interface SoundMetadata {
  tags: Omit<Tags, 'cover'>;
  picture: string | null;
}

/**
 * Fetches tags and cover. Never fails: a download does not end for want of its cover or its title.
 * @param folder where the picture goes
 */
export async function fetchMetadata(
  fetchTags: (signal: AbortSignal) => Promise<Tags>,
  folder: string,
  { media, log, signal }: { media: MediaClient; log: Pick<Logger, 'warn'>; signal: AbortSignal },
): Promise<SoundMetadata> {
  const limit = deadline(METADATA_LIMIT_MS, signal);
  const metadata: SoundMetadata = { tags: { title: '', artist: '', album: '' }, picture: null };
  try {
    const { cover, ...tags } = await abortable(fetchTags(limit.signal), limit.signal);
    metadata.tags = tags;
    if (cover) {
      const picture = join(folder, 'picture');
      await fetchToFile(media, cover, picture, { signal: limit.signal, maxBytes: MAX_COVER_BYTES });
      metadata.picture = picture;
    }
  } catch (err) {
    if (!signal.aborted) log.warn({ err }, 'sound is made without its tags or its cover');
  } finally {
    limit.clear();
  }
  return metadata;
}
