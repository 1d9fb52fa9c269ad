import type { FastifyRequest } from 'fastify';
import { ServiceError } from '../errors.ts';
import type { Post } from '../posts/post.ts';
import { type PostResponse, toPostResponse } from '../posts/response.ts';
import { findPostLink, postKey } from '../posts/url.ts';
import type { Services } from '../services.ts';
import { linkBase } from './link-base.ts';
import type { RequestContext } from './request-context.ts';

/** What a client asks for. */
export interface Wanted {
  /** A link, or a text that contains one. */
  url: string;
  /** Links to cover and avatar through this service as well. */
  images: boolean;
  links?: 'short' | undefined;
}

export interface DescribedPost {
  post: Post;
  /** The answer of POST /tiktok, with links to the files. */
  response: PostResponse;
}

/**
 * The post that a text links to, for every route that answers with one.
 * @throws ServiceError `invalid_request`, `unsupported_url`, `not_allowed`, and those of an extraction
 */
export async function findPost(
  { posts, links, rules, config }: Services,
  { url, images, links: kind }: Wanted,
  request: FastifyRequest,
  context: RequestContext,
): Promise<DescribedPost> {
  const base = requiredLinkBase(request, config.server.baseUrl);
  const link = findPostLink(url);
  if (link.kind === 'post') {
    request.outcome = { post: postKey(link.ref) };
    rules.checkRef(link.ref);
  }
  const { post: found, cached } = await posts.find(link, context);
  request.outcome = { post: postKey(found.ref), cached };
  rules.checkPost(found);
  const post = rules.trim(found);
  const expiresAt = links.expiryFromNow();
  const response = toPostResponse(post, {
    linkTo: links.at(base).linksTo(post, expiresAt, { short: kind === 'short' }),
    expiresAt,
    preferCodec: config.posts.preferCodec,
    cached,
    images,
    offers: (asset) => rules.offers(asset),
  });
  return { post, response };
}

/** @throws ServiceError `invalid_request` where BASE_URL is unset and the request has no valid Host */
export function requiredLinkBase(request: FastifyRequest, baseUrl: string | null): string {
  const base = linkBase(request, baseUrl);
  if (base === null) throw new ServiceError('invalid_request', { message: 'The Host header is not valid.' });
  return base;
}
