import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { cobaltError, readTikwmUrl, tikwmError, toCobalt, toTikwm } from '../../dialects/index.ts';
import { ServiceError } from '../../errors.ts';
import type { Services } from '../../services.ts';
import { errorHandler, sendError } from '../errors.ts';
import { nameFiles } from '../file-name.ts';
import { findPost, requiredLinkBase } from '../find-post.ts';
import { noBrowser } from '../no-browser.ts';
import { rateLimitOptions } from '../rate-limits.ts';
import { requestContext } from '../request-context.ts';
import { requireAccess } from '../require-access.ts';
import { accessSecurity } from '../schemas/access.ts';
import {
  cobaltBody,
  cobaltInstance,
  cobaltResponses,
  type TikwmFields,
  tikwmFields,
  tikwmResponses,
} from '../schemas/dialects.ts';

/** The release of cobalt whose API is spoken. */
const COBALT_VERSION = '11.7.1';

/** The APIs of other services, as far as DIALECTS says: the same posts, links and limits in other words. */
export function dialectRoutes(app: FastifyInstance, services: Services): void {
  const { dialects } = services.config.server;
  if (dialects.includes('cobalt')) cobaltRoutes(app, services);
  if (dialects.includes('tikwm')) tikwmRoutes(app, services);
}

function cobaltRoutes(app: FastifyInstance, services: Services): void {
  const { config, version } = services;
  const typed = app.withTypeProvider<ZodTypeProvider>();
  typed.route({
    method: 'POST',
    url: '/',
    schema: {
      summary: "A post, as cobalt's API 11 answers",
      body: cobaltBody,
      response: cobaltResponses,
      security: accessSecurity(config.access),
    },
    onRequest: requireAccess(services),
    config: { rateLimit: rateLimitOptions(config.limits.perMinute) },
    errorHandler: errorHandler((reply, error) => {
      const hasKey = reply.request.headers.authorization !== undefined;
      return sendError(reply, error, error.status, cobaltError(error, hasKey));
    }),
    handler: async (request, reply) => {
      const wanted = { url: request.body.url, images: false, links: 'short' as const };
      const found = await findPost(services, wanted, request, requestContext(request, reply));
      const nameOf = nameFiles(services, found.post);
      const answer = toCobalt(found.response, request.body, (extension) => nameOf({ extension }));
      if (answer.status === 'error') {
        request.outcome = { ...request.outcome, code: 'invalid_request', reason: answer.error.code };
        void reply.code(400);
      }
      return reply.header('cache-control', 'no-store').send(answer);
    },
  });
  const startTime = String(Math.round(performance.timeOrigin));
  const isOffered = (name: string) => name !== 'douyin' || !config.rules.disabled.includes('douyin');
  app.addConstraintStrategy(noBrowser);
  typed.route({
    method: 'GET',
    url: '/',
    // A browser gets the page.
    ...(config.server.webPage && { constraints: { noBrowser: true } }),
    schema: { summary: "The instance, as cobalt's tell of themselves", response: { 200: cobaltInstance } },
    handler: async (request, reply) => {
      void reply.headers({ 'cache-control': 'no-store', vary: 'Accept' });
      return {
        cobalt: {
          version: COBALT_VERSION,
          url: `${requiredLinkBase(request, config.server.baseUrl)}/`,
          startTime,
          services: ['tiktok', 'douyin'].filter(isOffered),
        },
        git: { commit: version, branch: 'main', remote: 'tiktok-downloader-service' },
      };
    },
  });
}

function tikwmRoutes(app: FastifyInstance, services: Services): void {
  const config = { rateLimit: rateLimitOptions(services.config.limits.perMinute) };
  const failed = errorHandler((reply, error) =>
    sendError(reply, error, 200, { ...tikwmError(error), processed_time: secondsOf(reply.request) }),
  );
  const typed = app.withTypeProvider<ZodTypeProvider>();
  for (const url of ['/api/', '/api']) {
    const about = {
      summary: 'A post, as tikwm answers',
      hide: url === '/api',
      response: tikwmResponses,
      security: accessSecurity(services.config.access),
    };
    typed.route({
      method: 'GET',
      url,
      schema: { ...about, querystring: tikwmFields },
      onRequest: requireAccess(services),
      config,
      errorHandler: failed,
      handler: (request, reply) => answerTikwm(services, request.query, request, reply),
    });
    typed.route({
      method: 'POST',
      url,
      schema: { ...about, querystring: tikwmFields, body: tikwmFields.nullish() },
      onRequest: requireAccess(services),
      config,
      errorHandler: failed,
      handler: (request, reply) =>
        answerTikwm(services, { ...request.query, ...request.body }, request, reply),
    });
  }
}

async function answerTikwm(
  services: Services,
  { url, hd = false, web = false }: TikwmFields,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  if (url === undefined) throw new ServiceError('invalid_request', { message: 'url: is missing' });
  const base = requiredLinkBase(request, services.config.server.baseUrl);
  const wanted = { url: readTikwmUrl(url), images: true, links: 'short' as const };
  const { post, response } = await findPost(services, wanted, request, requestContext(request, reply));
  const data = toTikwm(post, response, { hd, web }, base);
  return reply
    .header('cache-control', 'no-store')
    .send({ code: 0, msg: 'success', processed_time: secondsOf(request), data });
}

function secondsOf({ beganAt }: FastifyRequest): number {
  return Number(((performance.now() - beganAt) / 1000).toFixed(4));
}
