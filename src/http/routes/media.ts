import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { EXTRACTION_ERRORS } from '../../errors.ts';
import type { LinkTarget } from '../../links/index.ts';
import { postKey } from '../../posts/url.ts';
import type { Services } from '../../services.ts';
import { deliveryOf } from '../delivery.ts';
import type { DownloadLimiter } from '../download-limiter.ts';
import { namedPost } from '../file-name.ts';
import { assertForm, openFile, type WantedForm } from '../open-file.ts';
import type { ClientRate } from '../rate-limits.ts';
import { requestContext } from '../request-context.ts';
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
      return sendFile(services, target, {
        request,
        reply,
        rate,
        inline,
        form: {},
        isForNginx: isForNginx(request),
      });
    },
  });
  typed.route({
    method: ['GET', 'HEAD'],
    url: '/download',
    onRequest: slots.hook,
    schema: {
      summary: 'A file: sound, photo, zip, subtitle',
      querystring: downloadQuery,
      response: {
        ...fileResponses(
          'audio/mpeg',
          'audio/mp4',
          'image/jpeg',
          'image/webp',
          'application/zip',
          'text/vtt',
          'application/x-subrip',
          'text/plain',
          'video/mp4',
        ),
        ...MEDIA_ERRORS,
      },
    },
    handler: (request, reply) => {
      const { data, ...form } = request.query;
      const target = links.openLink('download', data);
      assertForm(target.asset, form);
      return sendFile(services, target, {
        request,
        reply,
        rate,
        inline: false,
        form,
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
  form: WantedForm;
  /** See http/delivery.ts. */
  isForNginx: boolean;
}

async function sendFile(services: Services, target: LinkTarget, download: Download): Promise<FastifyReply> {
  const { request, reply, rate, inline, form, isForNginx } = download;
  const { ref, asset } = target;
  request.outcome = { post: postKey(ref) };
  services.rules.checkTarget(target);
  await rate.count(request);
  const context = requestContext(request, reply);
  const post = await namedPost(services, target, context);
  const media = await openFile(services, target, {
    form,
    isForNginx,
    wanted: mediaRequest(request),
    context,
    countMore: (files) => rate.count(request, files),
  });
  const name = services.names.nameOf({
    ...post,
    ...((asset.kind === 'photo' || asset.kind === 'live') && { index: asset.index + 1 }),
    extension: media.extension,
  });
  return sendMedia(reply, media, { name, inline });
}
