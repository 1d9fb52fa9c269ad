import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { EXTRACTION_ERRORS } from '../../errors.ts';
import { toPostResponse } from '../../posts/response.ts';
import { findPostLink, postKey } from '../../posts/url.ts';
import type { Services } from '../../services.ts';
import { rateLimitOptions } from '../rate-limits.ts';
import { requestContext } from '../request-context.ts';
import { errorResponses } from '../schemas/error.ts';
import { postResponse, tiktokBody } from '../schemas/post.ts';

/** POST /tiktok: a post's link in, its metadata and working links out. */
export function tiktokRoute(app: FastifyInstance, { posts, links, config }: Services): void {
  app.withTypeProvider<ZodTypeProvider>().route({
    method: 'POST',
    url: '/tiktok',
    schema: {
      summary: 'Metadata and links of a post',
      body: tiktokBody,
      response: {
        200: postResponse,
        ...errorResponses('invalid_request', 'unsupported_url', 'rate_limited', ...EXTRACTION_ERRORS),
      },
    },
    config: { rateLimit: rateLimitOptions(config.limits.perMinute) },
    handler: async (request, reply) => {
      const link = findPostLink(request.body.url);
      if (link.kind === 'post') request.outcome = { post: postKey(link.ref) };
      const { post, cached } = await posts.find(link, requestContext(request, reply));
      request.outcome = { post: postKey(post.ref), cached };
      const { preferCodec } = config.posts;
      const expiresAt = links.expiryFromNow();
      const linkTo = links.linksTo(post, expiresAt);
      const { images } = request.body;
      return toPostResponse(post, { linkTo, expiresAt, preferCodec, cached, images });
    },
  });
}
