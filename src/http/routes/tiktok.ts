import type { FastifyInstance, FastifyReply } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { Answers } from '../../answers/index.ts';
import { EXTRACTION_ERRORS } from '../../errors.ts';
import { findPostLink, postKey } from '../../posts/url.ts';
import type { Services } from '../../services.ts';
import { errorAnswers, postAnswer } from '../answers.ts';
import { visitorOf } from '../client.ts';
import { workLimit } from '../limits.ts';
import { tiktokBody } from '../schemas.ts';

/** POST /tiktok: a post's link in, its metadata and working links out. */
export function tiktokRoute(app: FastifyInstance, { posts, links, config }: Services): void {
  const answers = new Answers({ links, preferCodec: config.posts.preferCodec });
  app.withTypeProvider<ZodTypeProvider>().route({
    method: 'POST',
    url: '/tiktok',
    schema: {
      summary: 'Metadata and links of a post',
      body: tiktokBody,
      response: {
        200: postAnswer,
        ...errorAnswers('invalid_request', 'unsupported_url', 'rate_limited', ...EXTRACTION_ERRORS),
      },
    },
    config: { rateLimit: workLimit(config.limits.perMinute) },
    handler: async (request, reply) => {
      const link = findPostLink(request.body.url);
      if (link.kind === 'post') request.outcome = { post: postKey(link.ref) };
      const { post, cached } = await posts.find(link, visitorOf(request, reply));
      request.outcome = { post: postKey(post.ref), cached };
      const answer = answers.answer(post, { cached, images: request.body.images });
      return Buffer.isBuffer(answer) ? sendJson(reply, answer) : answer;
    },
  });
}

/** Bytes that are JSON already; the typed reply would hold them against the answer's schema. */
function sendJson(reply: FastifyReply, body: Buffer): FastifyReply {
  return reply.type('application/json; charset=utf-8').send(body);
}
