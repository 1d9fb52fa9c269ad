import type { SoundOptions } from '../audio/index.ts';
import type { MediaSource } from '../cdn/index.ts';
import { ServiceError } from '../errors.ts';
import { coverOf, sourceOf } from '../files/index.ts';
import type { LinkTarget } from '../links/index.ts';
import type { MediaRequest, MediaResponse } from '../media/index.ts';
import type { Asset } from '../posts/asset.ts';
import type { PostRef } from '../posts/post.ts';
import type { Services } from '../services.ts';
import { openSubtitle } from '../subtitles/index.ts';
import { handOver } from './delivery.ts';
import { nameFiles } from './file-name.ts';
import type { RequestContext } from './request-context.ts';

/** What a client may want a file as, where that is not as it lies there. */
export interface WantedForm {
  as?: 'jpg' | 'srt' | 'txt' | undefined;
  /** Pixels. */
  width?: number | undefined;
}

/** @throws ServiceError `invalid_request` where a file of that kind cannot have the form */
export function assertForm({ kind }: Asset, { as, width }: WantedForm): void {
  const refuse = (message: string) => {
    throw new ServiceError('invalid_request', { message });
  };
  if (width !== undefined && kind !== 'photo') refuse('width: only a photo can have one.');
  if (width !== undefined && as !== undefined) refuse('width: a small photo is a JPEG, leave out `as`.');
  if (as === 'jpg' && kind !== 'photo' && kind !== 'zip') refuse('as: only photos can become JPEGs.');
  if ((as === 'srt' || as === 'txt') && kind !== 'subtitle') refuse(`as: only a subtitle can become ${as}.`);
}

export interface OpenFileOptions {
  /** Validated by assertForm. */
  form: WantedForm;
  /** Whether the nginx in front fetches what lies at the CDN by itself. */
  isForNginx: boolean;
  wanted: MediaRequest;
  context: RequestContext;
  /** Counts more files than the one that the request is. */
  countMore: (files: number) => Promise<unknown>;
}

/** Opens the file of a link, relayed from the CDN or made from files there. @throws ServiceError */
export async function openFile(
  services: Services,
  target: LinkTarget,
  options: OpenFileOptions,
): Promise<MediaResponse> {
  const { files, media, sounds, pictures, egresses } = services;
  const { ref, asset } = target;
  const { form, isForNginx, wanted, context } = options;
  const { client, signal } = context;
  if (asset.kind === 'slideshow') throw new ServiceError('link_invalid');
  if (asset.kind === 'zip') return openPhotos(services, ref, options);
  const source = await files.source(target, context);
  // A new extraction overwrites it.
  context.trace.egress = egresses.labelOf(source.egress);
  if (asset.kind === 'sound') {
    return sounds.open(source, wanted, soundOptions(services, ref, asset, source, context));
  }
  if (asset.kind === 'photo' && (form.as === 'jpg' || form.width !== undefined)) {
    const renew = sharedRenew(services, ref, asset, source, client);
    return pictures.open(source, { width: form.width ?? null }, wanted, { client, signal, renew });
  }
  const upstream = { client, signal, renew: files.renew(ref, asset, source.urls, context) };
  if (asset.kind === 'subtitle') {
    const format = form.as === 'srt' || form.as === 'txt' ? form.as : 'vtt';
    return openSubtitle(media, source, wanted, { ...upstream, format });
  }
  return isForNginx ? handOver(media, source, wanted, upstream) : media.openMedia(source, wanted, upstream);
}

/** Several clients may wait for one file in the making, which has a signal of its own. */
function sharedRenew(
  { files }: Services,
  ref: PostRef,
  asset: Asset,
  source: MediaSource,
  client: string,
): SoundOptions['renew'] {
  return (signal) => files.renew(ref, asset, source.urls, { client, signal })();
}

function soundOptions(
  services: Services,
  ref: PostRef,
  asset: Extract<Asset, { kind: 'sound' }>,
  source: MediaSource,
  { client, signal }: RequestContext,
): SoundOptions {
  const { files } = services;
  return {
    format: asset.format,
    client,
    signal,
    renew: sharedRenew(services, ref, asset, source, client),
    fallbackSource: async (shared) => {
      if (asset.of === 'video' || asset.format === 'm4a') return null;
      const video = await files.soundOfVideo(ref, { client, signal: shared });
      if (!video) return null;
      return {
        source: video.source,
        renew: sharedRenew(services, ref, video.asset, video.source, client),
      };
    },
    tags: async (shared) => {
      const post = await files.post(ref, { client, signal: shared });
      const { sound, author, title } = post;
      return {
        title: sound?.title || title,
        artist: sound?.author || author.nickname,
        album: sound?.album ?? '',
        cover: coverOf(post),
      };
    },
  };
}

async function openPhotos(
  services: Services,
  ref: PostRef,
  { form, wanted, context, countMore }: OpenFileOptions,
): Promise<MediaResponse> {
  const { files, zips, pictures } = services;
  const { client } = context;
  const post = await files.post(ref, context);
  const zipped = (asset: Extract<Asset, { kind: 'photo' | 'live' }>) => {
    const source = sourceOf(post, asset);
    const renew = sharedRenew(services, ref, asset, source, client);
    const openAs = (method: 'GET' | 'HEAD', signal: AbortSignal) =>
      pictures.open(source, { width: null }, { method }, { client, signal, renew });
    return {
      position: asset.index + 1,
      isClip: asset.kind === 'live',
      source,
      renew: files.renew(ref, asset, source.urls, context),
      ...(form.as === 'jpg' && asset.kind === 'photo' && { openAs }),
    };
  };
  const photos = post.photos.flatMap(({ live }, index) => [
    zipped({ kind: 'photo', index }),
    ...(live ? [zipped({ kind: 'live', index })] : []),
  ]);
  await countMore(photos.length - 1);
  const about = { nameOf: nameFiles(services, { ...post, ref }), createdAt: post.createdAt };
  return zips.openZip(photos, about, wanted, context);
}
