import { buffer } from 'node:stream/consumers';
import type { MediaClient, MediaSource, Renew } from '../cdn/index.ts';
import { mapLimited } from '../concurrency/index.ts';
import { ServiceError } from '../errors.ts';
import { type MediaRequest, type MediaResponse, mediaFileName, respond } from '../media/index.ts';
import { type ZipEntry, zipEtag, zipOf, zipSize } from './zip.ts';

export interface ZipPhoto {
  source: MediaSource;
  renew: Renew;
}

/** Whose photos they are: for the names and dates of the files. */
export interface ZipPost {
  /** The author's @name. */
  user: string;
  id: string;
  /** Unix seconds. */
  createdAt: number | null;
}

export interface ZipOptions {
  media: MediaClient;
  /** The client is gone. */
  signal: AbortSignal;
}

/** As many as a browser opens to one host. */
const PROBES_AT_ONCE = 6;
/** Beyond this an archive has another form (ZIP64); 35 photos of TikTok's 20 MB stay far below. */
const MAX_BYTES = 0xffff_ffff;
/** The first day that a zip file knows. */
const NO_DATE = new Date(Date.UTC(1980, 0, 1));

/**
 * Answers a request with a zip of all photos. Each photo has shown its type and length before anything is promised,
 * so the length of the archive is exact; one that cannot be had fails the whole request.
 * @throws as MediaClient.open
 */
export async function openZip(
  photos: readonly ZipPhoto[],
  post: ZipPost,
  request: MediaRequest,
  { media, signal }: ZipOptions,
): Promise<MediaResponse> {
  if (photos.length === 0) throw new ServiceError('post_not_found');
  const entries = await mapLimited(
    photos,
    PROBES_AT_ONCE,
    (photo, index, signal) => probe(photo, { ...post, index: index + 1 }, { media, signal }),
    signal,
  );
  const size = zipSize(entries);
  if (size > MAX_BYTES) throw new ServiceError('upstream_failed', { cause: new Error(`a zip of ${size}`) });
  const date = post.createdAt === null ? NO_DATE : new Date(post.createdAt * 1000);
  const metadata = {
    mime: 'application/zip',
    extension: 'zip',
    size,
    etag: zipEtag(entries, date),
    lastModified: null,
  };
  return respond(request, metadata, () => zipOf(entries, date, signal), { ranges: false });
}

async function probe(
  { source, renew }: ZipPhoto,
  { user, id, index }: ZipPost & { index: number },
  { media, signal }: ZipOptions,
): Promise<ZipEntry> {
  let latest = source;
  const remembered: Renew = async () => {
    latest = await renew();
    return latest;
  };
  const open = (method: 'GET' | 'HEAD', signal: AbortSignal) =>
    media.openMedia(latest, { method }, { signal, renew: remembered });
  const { mime, extension, size, headers } = await open('HEAD', signal);
  if (size === null)
    throw new ServiceError('upstream_failed', { cause: new Error('a photo without a length') });
  if (!mime.startsWith('image/')) {
    throw new ServiceError('upstream_failed', { cause: new Error(`${mime} instead of a photo`) });
  }
  const etag = headers.etag ?? '';
  return {
    name: mediaFileName({ user, id, index, extension }),
    size,
    etag,
    fetch: async (signal) => {
      const { body, ...now } = await open('GET', signal);
      if (body && now.size === size && now.headers.etag === etag) return buffer(body);
      body?.destroy();
      throw new ServiceError('upstream_failed', { cause: new Error('another photo than before') });
    },
  };
}
