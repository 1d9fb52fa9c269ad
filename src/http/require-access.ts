import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ApiKey } from '../access/index.ts';
import type { Services } from '../services.ts';
import { clientKey, networksOf, parseAddress } from './client-key.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The API key that the request came with; null without one. */
    apiKey: ApiKey | null;
  }
}

/**
 * Route hook (`onRequest`) of the routes that answer with posts: before the body is read and anything waits. The rate
 * limit runs after it, by the key.
 */
export function requireAccess({ access }: Pick<Services, 'access'>) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { headers, ip } = request;
    try {
      const { key, session } = await access.admit({
        key: keyIn(headers),
        origin: headers.origin,
        address: parseAddress(ip),
        client: clientKey(request),
        networks: networksOf(ip),
        session: text(headers['x-session']),
        solution: text(headers['x-solution']),
      });
      request.apiKey = key;
      if (session !== null) void reply.header('x-session', session);
    } catch (error) {
      void reply.header('www-authenticate', access.schemes);
      throw error;
    }
  };
}

/** Counts the posts of one request after its first. */
export async function countMorePosts(
  { access }: Pick<Services, 'access'>,
  { apiKey, ip }: FastifyRequest,
  posts: number,
): Promise<void> {
  if (!apiKey && posts > 0) await access.countMore(networksOf(ip), posts);
}

/** Other schemes may be meant for a proxy. */
function keyIn({ authorization = '', 'x-api-key': own }: FastifyRequest['headers']): string | null {
  return text(own) ?? /^(?:Api-Key|Bearer) +(\S+)$/i.exec(authorization)?.[1] ?? null;
}

function text(header: string | string[] | undefined): string | null {
  return header === undefined || header === '' ? null : String(header);
}
