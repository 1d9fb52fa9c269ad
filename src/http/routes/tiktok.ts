import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { EXTRACTION_ERRORS, ServiceError } from '../../errors.ts';
import { type PostResponse, toPostResponse } from '../../posts/response.ts';
import { findPostLink, postKey } from '../../posts/url.ts';
import type { Services } from '../../services.ts';
import { linkBase } from '../link-base.ts';
import { rateLimitOptions } from '../rate-limits.ts';
import { requestContext } from '../request-context.ts';
import { requireAccess } from '../require-access.ts';
import { accessSecurity } from '../schemas/access.ts';
import { errorResponses } from '../schemas/error.ts';
import { type Pick, postResponse, tiktokBody, tiktokQuery } from '../schemas/post.ts';

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
  acceptForms(app);
  typed.route({
    method: 'POST',
    url: '/tiktok',
    schema: { summary: 'Metadata and links of a post', body: tiktokBody, response: RESPONSES, security },
    onRequest: requireAccess(services),
    config,
    handler: (request, reply) => findPost(services, request.body, request, reply),
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
      const { pick, ...wanted } = request.query;
      void reply.header('cache-control', 'no-store');
      const response = await findPost(services, wanted, request, reply);
      return pick === undefined ? response : reply.redirect(linkOf(response, pick), 303);
    },
  });
}

interface Wanted {
  url: string;
  images: boolean;
}

async function findPost(
  { posts, links, rules, config }: Services,
  { url, images }: Wanted,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<PostResponse> {
  const base = linkBase(request, config.server.baseUrl);
  if (base === null) throw new ServiceError('invalid_request', { message: 'The Host header is not valid.' });
  const link = findPostLink(url);
  if (link.kind === 'post') {
    request.outcome = { post: postKey(link.ref) };
    rules.checkRef(link.ref);
  }
  const { post: found, cached } = await posts.find(link, requestContext(request, reply));
  request.outcome = { post: postKey(found.ref), cached };
  rules.checkPost(found);
  const post = rules.trim(found);
  const expiresAt = links.expiryFromNow();
  const linkTo = links.at(base).linksTo(post, expiresAt);
  const { preferCodec } = config.posts;
  return toPostResponse(post, {
    linkTo,
    expiresAt,
    preferCodec,
    cached,
    images,
    offers: (asset) => rules.offers(asset),
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

/** HTML forms and curl -d. */
function acceptForms(app: FastifyInstance): void {
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_request, body, done) => done(null, Object.fromEntries(new URLSearchParams(String(body)))),
  );
}
