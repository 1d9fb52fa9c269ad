import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { EXTRACTION_ERRORS } from '../../errors.ts';
import type { LinkTarget } from '../../links/index.ts';
import { mediaFileName, respondWithFile } from '../../media/index.ts';
import type { PostRef } from '../../posts/post.ts';
import { postKey } from '../../posts/url.ts';
import type { Progress } from '../../renders/index.ts';
import type { Services } from '../../services.ts';
import type { DownloadLimiter } from '../download-limiter.ts';
import { rateLimitOptions } from '../limits.ts';
import { requestContext } from '../request-context.ts';
import { PROGRESS_EXAMPLE } from '../schemas/examples.ts';
import { errorResponses, fileResponses, textResponse } from '../schemas/post.ts';
import { slideshowQuery } from '../schemas/requests.ts';
import { mediaRequest, sendMedia } from '../send-media.ts';

/** Keeps the connection of a progress bar from being taken for dead by the proxies on its way. */
const HEARTBEAT_MS = 15_000;

const MP4 = { mime: 'video/mp4', extension: 'mp4' };

const SLIDESHOW_ERRORS = errorResponses(
  'invalid_request',
  'link_invalid',
  'link_expired',
  'not_a_photo_post',
  'rate_limited',
  'render_failed',
  ...EXTRACTION_ERRORS,
);

const PROGRESS = {
  summary: 'How far a slideshow is',
  description: 'Server-sent events, `data: {"stage": "rendering", "percent": 40}`, until `done` or `failed`.',
  querystring: slideshowQuery,
  response: {
    ...textResponse('text/event-stream', 'Events until the film is done, or has failed.', PROGRESS_EXAMPLE),
    ...errorResponses('invalid_request', 'link_invalid', 'link_expired'),
  },
};

/** /download-slideshow: a photo post as a film, and how far it is. */
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
    handler: (request, reply) => render(services, open(services, request.query.url), request, reply),
  });
  typed.get('/download-slideshow/progress', { schema: PROGRESS, onRequest: slots.hook }, (request, reply) => {
    const { ref } = open(services, request.query.url);
    followProgress(request, reply, (listener) => services.slideshows.watch(postKey(ref), listener));
  });
}

function open({ links }: Services, token: string): LinkTarget {
  return links.openLink('download-slideshow', token);
}

async function render(
  services: Services,
  { ref }: { ref: PostRef },
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  request.outcome = { post: postKey(ref) };
  const file = await services.slideshows.get(ref, requestContext(request, reply));
  const name = mediaFileName({ user: ref.user ?? '', id: ref.id, extension: MP4.extension });
  const { stallTimeoutMs } = services.config.relay;
  const media = await respondWithFile(file, MP4, mediaRequest(request), { freshlyMade: file.isNew });
  return sendMedia(reply, media, { name, inline: false, stallMs: stallTimeoutMs });
}

/** Server-sent events, one `data: {"stage", "percent"}` for each change, until the film is done or the bar gone. */
function followProgress(
  request: FastifyRequest,
  reply: FastifyReply,
  watch: (listener: (progress: Progress) => void) => () => void,
): void {
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    // nginx would hold the events back otherwise.
    'x-accel-buffering': 'no',
  });
  raw.write('retry: 2000\n\n');
  const heartbeat = setInterval(() => raw.write(': still here\n\n'), HEARTBEAT_MS);
  let ended = false;
  const end = () => {
    if (ended) return;
    ended = true;
    clearInterval(heartbeat);
    unwatch?.();
    raw.end();
  };
  const unwatch = watch((progress) => {
    if (ended) return;
    raw.write(`data: ${JSON.stringify(progress)}\n\n`);
    // Later, so that a change told before watch() has returned can end it too.
    if (progress.stage === 'done' || progress.stage === 'failed') setImmediate(end);
  });
  request.raw.once('close', end);
  raw.once('close', end);
}
