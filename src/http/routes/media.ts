import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { mediaFileName } from '../../cdn/index.ts';
import { ServiceError } from '../../errors.ts';
import type { LinkTarget } from '../../links/index.ts';
import { postKey } from '../../posts/url.ts';
import type { Services } from '../../services.ts';
import { EXTRACTION_ERRORS, errorAnswers } from '../answers.ts';
import { clientOf, goneSignal } from '../client.ts';
import { downloadQuery, streamQuery } from '../schemas.ts';
import { mediaRequest, sendMedia } from '../send-media.ts';

const MEDIA_ERRORS = errorAnswers('invalid_request', 'link_invalid', 'link_expired', ...EXTRACTION_ERRORS);

/** /stream and /download: the files of a post, relayed from the CDN. */
export function mediaRoutes(app: FastifyInstance, services: Services): void {
  const { links } = services;
  const typed = app.withTypeProvider<ZodTypeProvider>();
  typed.route({
    method: ['GET', 'HEAD'],
    url: '/stream',
    schema: { summary: 'A video, playable and seekable', querystring: streamQuery, response: MEDIA_ERRORS },
    handler: (request, reply) => {
      const target = links.open('stream', request.query.data);
      return relay(services, target, { request, reply, inline: request.query.inline === '1' });
    },
  });
  typed.route({
    method: ['GET', 'HEAD'],
    url: '/download',
    schema: {
      summary: 'A file: mp3, photo, zip, subtitle',
      querystring: downloadQuery,
      response: MEDIA_ERRORS,
    },
    handler: (request, reply) => {
      const target = links.open('download', request.query.data);
      return relay(services, target, { request, reply, inline: false });
    },
  });
}

interface Visit {
  request: FastifyRequest;
  reply: FastifyReply;
  inline: boolean;
}

async function relay({ files, media }: Services, target: LinkTarget, visit: Visit): Promise<FastifyReply> {
  const { request, reply, inline } = visit;
  const { ref, asset } = target;
  request.outcome = { post: postKey(ref) };
  const signal = goneSignal(reply);
  const options = { client: clientOf(request), signal };
  if (asset.kind === 'mp3' || asset.kind === 'zip' || asset.kind === 'slideshow')
    throw new ServiceError('internal');
  const source = await files.source(target, options);
  const renew = files.renew(ref, asset, source.urls, options);
  const answer = await media.open(source, mediaRequest(request), { signal, renew });
  const name = mediaFileName({
    user: ref.user ?? '',
    id: ref.id,
    ...(asset.kind === 'photo' && { index: asset.index + 1 }),
    extension: answer.extension,
  });
  return sendMedia(reply, answer, { name, inline });
}
