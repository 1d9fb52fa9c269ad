import { setMaxListeners } from 'node:events';
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { ServiceError } from '../../errors.ts';
import type { PostResponse } from '../../posts/response.ts';
import type { Services } from '../../services.ts';
import { errorBody, knownError } from '../errors.ts';
import { findPost } from '../find-post.ts';
import { type ClientRate, rateLimitOptions } from '../rate-limits.ts';
import { ClientDisconnected, requestContext } from '../request-context.ts';
import { countMorePosts, requireAccess } from '../require-access.ts';
import { accessSecurity } from '../schemas/access.ts';
import { batchBody, batchResponses, LINES } from '../schemas/batch.ts';

type Result = PostResponse | ReturnType<typeof errorBody>;

/** POST /tiktok/batch: several links in, the answer for each of them out. */
export function batchRoute(app: FastifyInstance, services: Services, rate: ClientRate): void {
  app.withTypeProvider<ZodTypeProvider>().route({
    method: 'POST',
    url: '/tiktok/batch',
    schema: {
      summary: 'Metadata and links of several posts',
      description: `Each link counts as one request. With \`Accept: ${LINES}\` the answers come one a line, each as soon as it is known.`,
      body: batchBody,
      response: batchResponses,
      security: accessSecurity(services.config.access),
    },
    onRequest: requireAccess(services),
    config: { rateLimit: rateLimitOptions(services.config.limits.perMinute) },
    handler: async (request, reply) => {
      const { urls, ...options } = request.body;
      const context = requestContext(request, reply);
      // Each link listens to it.
      setMaxListeners(0, context.signal);
      const { allowed, left, refusal } = await countLinks(urls.length, request, rate);
      await countMorePosts(services, request, allowed - 1);
      if (left !== null) void reply.header('ratelimit-remaining', left);
      const results = urls.map(async (url, index): Promise<Result> => {
        try {
          if (refusal && index >= allowed) throw refusal;
          // A trace of its own: they would overwrite each other's.
          return (await findPost(services, { url, ...options }, request, { ...context, trace: {} })).response;
        } catch (error) {
          if (error instanceof ClientDisconnected) throw error;
          return errorBody(knownError(request, error as Error), request.id);
        }
      });
      const all = Promise.all(results).then((done) => {
        request.outcome = { links: done.length, failed: done.filter((one) => 'code' in one).length };
        return done;
      });
      void reply.header('cache-control', 'no-store');
      if (!wantsLines(request)) return { results: await all };
      // Before its first byte, Fastify takes a client that goes away for an error of the body.
      reply.raw.once('pipe', () => reply.raw.flushHeaders());
      return reply.type(LINES).header('x-accel-buffering', 'no').send(linesOf(results, all));
    },
  });
}

/** The plugin has counted the request, and with it the first link. */
async function countLinks(links: number, request: FastifyRequest, rate: ClientRate) {
  let allowed = 1;
  let left: number | null = null;
  try {
    for (; allowed < links; allowed += 1) left = await rate.count(request);
    return { allowed, left, refusal: null };
  } catch (refusal) {
    if (refusal instanceof ServiceError) return { allowed, left: 0, refusal };
    throw refusal;
  }
}

function wantsLines({ headers }: FastifyRequest): boolean {
  return headers.accept?.toLowerCase().includes(LINES) ?? false;
}

/** Each result with its index, in the order in which they come. */
function linesOf(results: readonly Promise<Result>[], all: Promise<unknown>): Readable {
  const lines = new Readable({ read() {} });
  for (const [index, coming] of results.entries()) {
    coming.then(
      (result) => lines.push(`${JSON.stringify({ index, ...result })}\n`),
      () => {},
    );
  }
  // A rejection means that nobody reads them any more.
  const end = () => lines.push(null);
  all.then(end, end);
  return lines;
}
