import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { MediaSource } from '../../cdn/index.ts';
import { EXTRACTION_ERRORS, ServiceError } from '../../errors.ts';
import { coverOf, sourceOf } from '../../files/index.ts';
import type { LinkTarget } from '../../links/index.ts';
import { type MediaResponse, mediaFileName } from '../../media/index.ts';
import type { Asset } from '../../posts/asset.ts';
import { postKey } from '../../posts/url.ts';
import type { Services } from '../../services.ts';
import { openSubtitle } from '../../subtitles/index.ts';
import { deliveryOf, handOver } from '../delivery.ts';
import type { DownloadLimiter } from '../download-limiter.ts';
import type { ClientRate } from '../rate-limits.ts';
import { type RequestContext, requestContext } from '../request-context.ts';
import { errorResponses } from '../schemas/error.ts';
import { downloadQuery, fileResponses, streamQuery } from '../schemas/file.ts';
import { mediaRequest, sendMedia } from '../send-media.ts';

const MEDIA_ERRORS = errorResponses(
  'invalid_request',
  'link_invalid',
  'link_expired',
  'not_allowed',
  'rate_limited',
  'render_failed',
  ...EXTRACTION_ERRORS,
);

interface DownloadBounds {
  /** Responses at a time. */
  slots: DownloadLimiter;
  /** Files a minute. */
  rate: ClientRate;
}

/** /stream and /download: the files of a post, relayed from the CDN or made from files there. */
export function mediaRoutes(app: FastifyInstance, services: Services, { slots, rate }: DownloadBounds): void {
  const { links } = services;
  const isForNginx = deliveryOf(services.config);
  const typed = app.withTypeProvider<ZodTypeProvider>();
  typed.route({
    method: ['GET', 'HEAD'],
    url: '/stream',
    onRequest: slots.hook,
    schema: {
      summary: 'A video, playable and seekable',
      querystring: streamQuery,
      response: { ...fileResponses('video/mp4'), ...MEDIA_ERRORS },
    },
    handler: (request, reply) => {
      const target = links.openLink('stream', request.query.data);
      const inline = request.query.inline === '1';
      return sendFile(services, target, { request, reply, rate, inline, isForNginx: isForNginx(request) });
    },
  });
  typed.route({
    method: ['GET', 'HEAD'],
    url: '/download',
    onRequest: slots.hook,
    schema: {
      summary: 'A file: mp3, photo, zip, subtitle',
      querystring: downloadQuery,
      response: {
        ...fileResponses(
          'audio/mpeg',
          'image/jpeg',
          'image/webp',
          'application/zip',
          'text/vtt',
          'video/mp4',
        ),
        ...MEDIA_ERRORS,
      },
    },
    handler: (request, reply) => {
      const target = links.openLink('download', request.query.data);
      return sendFile(services, target, {
        request,
        reply,
        rate,
        inline: false,
        isForNginx: isForNginx(request),
      });
    },
  });
}

interface Download {
  request: FastifyRequest;
  reply: FastifyReply;
  rate: ClientRate;
  inline: boolean;
  /** See http/delivery.ts. */
  isForNginx: boolean;
}

async function sendFile(services: Services, target: LinkTarget, download: Download): Promise<FastifyReply> {
  const { request, reply, inline } = download;
  const { ref, asset } = target;
  request.outcome = { post: postKey(ref) };
  services.rules.checkTarget(target);
  await download.rate.count(request);
  const media = await openMedia(services, target, download, requestContext(request, reply));
  const name = mediaFileName({
    user: ref.user ?? '',
    id: ref.id,
    ...((asset.kind === 'photo' || asset.kind === 'live') && { index: asset.index + 1 }),
    extension: media.extension,
  });
  return sendMedia(reply, media, { name, inline });
}

async function openMedia(
  services: Services,
  target: LinkTarget,
  download: Download,
  context: RequestContext,
): Promise<MediaResponse> {
  const { files, media, mp3s, egresses } = services;
  const { ref, asset } = target;
  const { client, signal } = context;
  if (asset.kind === 'slideshow') throw new ServiceError('link_invalid');
  if (asset.kind === 'zip') return openPhotos(services, target, download, context);
  const source = await files.source(target, context);
  // A new extraction overwrites it.
  context.trace.egress = egresses.labelOf(source.egress);
  const wanted = mediaRequest(download.request);
  if (asset.kind === 'mp3') {
    // Several clients may wait for one conversion, which has a signal of its own.
    const renewed = (asset: Asset, source: MediaSource) => (shared: AbortSignal) =>
      files.renew(ref, asset, source.urls, { client, signal: shared })();
    return mp3s.openMp3(source, wanted, {
      client,
      signal,
      renew: renewed(asset, source),
      fallbackSource: async (shared) => {
        const video = await files.videoWithSound(ref, { client, signal: shared });
        return video && { source: video.source, renew: renewed(video.asset, video.source) };
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
    });
  }
  const options = { client, signal, renew: files.renew(ref, asset, source.urls, context) };
  if (asset.kind === 'subtitle') return openSubtitle(media, source, wanted, options);
  return download.isForNginx
    ? handOver(media, source, wanted, options)
    : media.openMedia(source, wanted, options);
}

async function openPhotos(
  { files, zips }: Services,
  { ref }: LinkTarget,
  { request, rate }: Download,
  context: RequestContext,
): Promise<MediaResponse> {
  const post = await files.post(ref, context);
  const zipped = (asset: Extract<Asset, { kind: 'photo' | 'live' }>) => {
    const source = sourceOf(post, asset);
    const renew = files.renew(ref, asset, source.urls, context);
    return { position: asset.index + 1, isClip: asset.kind === 'live', source, renew };
  };
  const photos = post.photos.flatMap(({ live }, index) => [
    zipped({ kind: 'photo', index }),
    ...(live ? [zipped({ kind: 'live', index })] : []),
  ]);
  // The request itself has been counted as one file.
  await rate.count(request, photos.length - 1);
  const about = { user: ref.user ?? '', id: ref.id, createdAt: post.createdAt };
  return zips.openZip(photos, about, mediaRequest(request), context);
}
