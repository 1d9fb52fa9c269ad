import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import { EXTRACTION_ERRORS } from '../../errors.ts';
import type { LinkTarget } from '../../links/index.ts';
import { respondWithFile } from '../../media/index.ts';
import { postKey } from '../../posts/url.ts';
import type { Services } from '../../services.ts';
import type { SlideshowOptions } from '../../slideshow/index.ts';
import type { DownloadLimiter } from '../download-limiter.ts';
import { namedPost } from '../file-name.ts';
import { ProgressStreams } from '../progress-streams.ts';
import { rateLimitOptions } from '../rate-limits.ts';
import { requestContext } from '../request-context.ts';
import { errorResponses } from '../schemas/error.ts';
import { fileResponses, PROGRESS_EXAMPLE, slideshowQuery, textResponse } from '../schemas/file.ts';
import { mediaRequest, sendMedia } from '../send-media.ts';

const MP4 = { mime: 'video/mp4', extension: 'mp4' };

const SLIDESHOW_ERRORS = errorResponses(
  'invalid_request',
  'link_invalid',
  'link_expired',
  'not_allowed',
  'not_a_photo_post',
  'rate_limited',
  'render_failed',
  ...EXTRACTION_ERRORS,
);

const PROGRESS = {
  summary: 'Progress of a slideshow',
  description: 'Server-sent events, `data: {"stage": "rendering", "percent": 40}`, until `done` or `failed`.',
  querystring: slideshowQuery,
  response: {
    ...textResponse(
      'text/event-stream',
      'Events until the slideshow is done or has failed.',
      PROGRESS_EXAMPLE,
    ),
    ...errorResponses('invalid_request', 'link_invalid', 'link_expired', 'not_allowed', 'busy'),
  },
};

/** /download-slideshow: a photo post as an MP4, and the progress of making it. */
export function slideshowRoutes(app: FastifyInstance, services: Services, slots: DownloadLimiter): void {
  const typed = app.withTypeProvider<ZodTypeProvider>();
  typed.route({
    method: ['GET', 'HEAD'],
    url: '/download-slideshow',
    onRequest: slots.hook,
    schema: {
      summary: 'A photo post as an MP4',
      querystring: slideshowQuery,
      response: { ...fileResponses('video/mp4'), ...SLIDESHOW_ERRORS },
    },
    config: { rateLimit: rateLimitOptions(services.config.limits.perMinute) },
    handler: (request, reply) => render(services, request.query, request, reply),
  });
  const streams = new ProgressStreams(services.limits);
  typed.get('/download-slideshow/progress', { schema: PROGRESS }, (request, reply) => {
    const { ref } = openToken(services, request.query.url);
    request.outcome = { post: postKey(ref) };
    const key = services.slideshows.key(ref, wanted(request.query));
    streams.follow(request, reply, key, (listener) => services.slideshows.watch(key, listener));
  });
}

function openToken({ links, rules }: Services, token: string): LinkTarget {
  const target = links.openLink('download-slideshow', token);
  rules.checkTarget(target);
  return target;
}

type Query = z.infer<typeof slideshowQuery>;

/** The options that a client has chosen. */
function wanted({ seconds, canvas, music }: Query): Partial<SlideshowOptions> {
  return { ...(seconds !== undefined && { seconds }), ...(canvas && { canvas }), ...(music && { music }) };
}

async function render(
  services: Services,
  query: Query,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const target = openToken(services, query.url);
  const { ref } = target;
  request.outcome = { post: postKey(ref) };
  const context = requestContext(request, reply);
  const post = await namedPost(services, target, context);
  const file = await services.slideshows.get(ref, context, wanted(query));
  const name = services.names.nameOf({ ...post, extension: MP4.extension });
  const media = await respondWithFile(file, MP4, mediaRequest(request), { freshlyMade: file.isNew });
  return sendMedia(reply, media, { name, inline: false });
}
