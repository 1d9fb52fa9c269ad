import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { EXTRACTION_ERRORS, ServiceError } from '../../errors.ts';
import type { PostResponse } from '../../posts/response.ts';
import type { Services } from '../../services.ts';
import { findPost } from '../find-post.ts';
import { rateLimitOptions } from '../rate-limits.ts';
import { requestContext } from '../request-context.ts';
import { requireAccess } from '../require-access.ts';
import { accessSecurity } from '../schemas/access.ts';
import { errorResponses } from '../schemas/error.ts';
import { postResponse } from '../schemas/post.ts';
import { type Pick, tiktokBody, tiktokQuery } from '../schemas/tiktok.ts';

const redirect = z.null().meta({ description: 'To the file that `pick` names.' });

const RESPONSES = {
  200: postResponse,
  ...errorResponses(
    'invalid_request',
    'unsupported_url',
    'unauthorized',
    'not_allowed',
    'rate_limited',
    ...EXTRACTION_ERRORS,
  ),
};

/** POST and GET /tiktok: a link to a post in, its metadata and links to its files out. */
export function tiktokRoute(app: FastifyInstance, services: Services): void {
  const typed = app.withTypeProvider<ZodTypeProvider>();
  const config = { rateLimit: rateLimitOptions(services.config.limits.perMinute) };
  const security = accessSecurity(services.config.access);
  typed.route({
    method: 'POST',
    url: '/tiktok',
    schema: { summary: 'Metadata and links of a post', body: tiktokBody, response: RESPONSES, security },
    onRequest: requireAccess(services),
    config,
    handler: async (request, reply) => {
      const context = requestContext(request, reply);
      return (await findPost(services, request.body, request, context)).response;
    },
  });
  typed.route({
    method: 'GET',
    url: '/tiktok',
    schema: {
      summary: 'The same for clients that can only send a GET',
      description: 'With `pick`, redirects to that file.',
      querystring: tiktokQuery,
      response: { ...RESPONSES, 303: redirect },
      security,
    },
    onRequest: requireAccess(services),
    config,
    handler: async (request, reply) => {
      const { pick, ...query } = request.query;
      void reply.header('cache-control', 'no-store');
      // Whoever follows the redirect does it now, while the post is cached.
      const wanted = pick === undefined ? query : { ...query, links: 'short' as const };
      const { response } = await findPost(services, wanted, request, requestContext(request, reply));
      return pick === undefined ? response : reply.redirect(linkOf(response, pick), 303);
    },
  });
}

/** @throws ServiceError `invalid_request` where the post has no such file */
function linkOf(response: PostResponse, pick: Pick): string {
  const files: Partial<Record<string, string | string[]>> = response.download_link;
  const slideshow = 'download_slideshow_link' in response ? response.download_slideshow_link : undefined;
  const found = pick === 'slideshow' ? slideshow : files[pick];
  // Of several photos, the zip is the one file that has all.
  const link = Array.isArray(found) && found.length > 1 ? files.zip : found;
  const file = Array.isArray(link) ? link[0] : link;
  if (file === undefined) throw new ServiceError('invalid_request', { message: `This post has no ${pick}.` });
  return file;
}
