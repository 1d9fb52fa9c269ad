import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { toAnswer } from '../../posts/answer.ts';
import { findPostLink, postKey } from '../../posts/url.ts';
import type { Services } from '../../services.ts';
import { clientOf, goneSignal } from '../client.ts';
import { tiktokBody } from '../schemas.ts';

/** POST /tiktok: a post's link in, its metadata and working links out. */
export function tiktokRoute(app: FastifyInstance, { posts, links, config }: Services): void {
  app
    .withTypeProvider<ZodTypeProvider>()
    .post('/tiktok', { schema: { body: tiktokBody } }, async (request, reply) => {
      const link = findPostLink(request.body.url);
      const options = { client: clientOf(request), signal: goneSignal(reply) };
      const { post, cached } = await posts.find(link, options);
      request.outcome = { post: postKey(post.ref), cached };
      return toAnswer(post, { links, cached, preferCodec: config.posts.preferCodec });
    });
}
