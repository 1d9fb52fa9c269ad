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
import type { DownloadLimiter } from '../download-limiter.ts';
import { type RequestContext, requestContext } from '../request-context.ts';
import { errorResponses, fileResponses } from '../schemas/post.ts';
import { downloadQuery, streamQuery } from '../schemas/requests.ts';
import { mediaRequest, sendMedia } from '../send-media.ts';

const MEDIA_ERRORS = errorResponses(
  'invalid_request',
  'link_invalid',
  'link_expired',
  'render_failed',
  ...EXTRACTION_ERRORS,
);

/** /stream and /download: the files of a post, relayed from the CDN or made of what lies there. */
export function mediaRoutes(app: FastifyInstance, services: Services, slots: DownloadLimiter): void {
  const { links } = services;
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
      return answer(services, target, { request, reply, inline: request.query.inline === '1' });
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
      return answer(services, target, { request, reply, inline: false });
    },
  });
}

interface Visit {
  request: FastifyRequest;
  reply: FastifyReply;
  inline: boolean;
}

async function answer(services: Services, target: LinkTarget, visit: Visit): Promise<FastifyReply> {
  const { request, reply, inline } = visit;
  const { ref, asset } = target;
  request.outcome = { post: postKey(ref) };
  const media = await open(services, target, request, requestContext(request, reply));
  const name = mediaFileName({
    user: ref.user ?? '',
    id: ref.id,
    ...(asset.kind === 'photo' && { index: asset.index + 1 }),
    extension: media.extension,
  });
  return sendMedia(reply, media, { name, inline, stallMs: services.config.relay.stallTimeoutMs });
}

async function open(
  services: Services,
  target: LinkTarget,
  request: FastifyRequest,
  visitor: RequestContext,
): Promise<MediaResponse> {
  const { files, media, mp3s, egresses } = services;
  const { ref, asset } = target;
  const { client, signal } = visitor;
  if (asset.kind === 'slideshow') throw new ServiceError('link_invalid');
  if (asset.kind === 'zip') return openPhotos(services, target, request, visitor);
  const source = await files.source(target, visitor);
  // Whatever has to be extracted again says it anew.
  visitor.trace.egress = egresses.labelOf(source.egress);
  const wanted = mediaRequest(request);
  if (asset.kind === 'mp3') {
    // Several visitors may wait for one conversion: it asks with a signal of its own.
    const renewed = (asset: Asset, source: MediaSource) => (shared: AbortSignal) =>
      files.renew(ref, asset, source.urls, { client, signal: shared })();
    return mp3s.openMp3(source, wanted, {
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
  const options = { signal, renew: files.renew(ref, asset, source.urls, visitor) };
  return asset.kind === 'subtitle'
    ? openSubtitle(media, source, wanted, options)
    : media.openMedia(source, wanted, options);
}

async function openPhotos(
  { files, zips }: Services,
  { ref }: LinkTarget,
  request: FastifyRequest,
  visitor: RequestContext,
): Promise<MediaResponse> {
  const post = await files.post(ref, visitor);
  const photos = post.photos.map((_, index) => {
    const asset = { kind: 'photo', index } as const;
    const source = sourceOf(post, asset);
    return { source, renew: files.renew(ref, asset, source.urls, visitor) };
  });
  const about = { user: ref.user ?? '', id: ref.id, createdAt: post.createdAt };
  return zips.openZip(photos, about, mediaRequest(request), visitor);
}
