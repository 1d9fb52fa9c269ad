import { randomUUID } from 'node:crypto';
import cors from '@fastify/cors';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import { validatorCompiler } from 'fastify-type-provider-zod';
import { ServiceError } from '../errors.ts';
import type { Services } from '../services.ts';
import { logRequests } from './access-log.ts';
import { handleClientError } from './client-error.ts';
import { DOWNLOAD_LIMITS, DownloadLimiter } from './download-limiter.ts';
import { registerErrorHandlers, sendError, toServiceError } from './errors.ts';
import { registerRateLimits } from './limits.ts';
import { describeApi } from './openapi.ts';
import { healthRoute } from './routes/health.ts';
import { mediaRoutes } from './routes/media.ts';
import { metricsRoute } from './routes/metrics.ts';
import { pageRoutes } from './routes/page.ts';
import { slideshowRoutes } from './routes/slideshow.ts';
import { tiktokRoute } from './routes/tiktok.ts';
import { SECURITY_HEADERS } from './security-headers.ts';

/** A share sheet's text and its JSON around it; nobody has to send more. */
const BODY_LIMIT = 16 * 1024;

/** For the head and body of a request to arrive; a slow sender holds a connection no longer. */
const REQUEST_TIMEOUT_MS = 15_000;
/** For the head alone. */
const HEAD_TIMEOUT_MS = 10_000;
/** How often Node looks for those that are late; its own 30 seconds would be most of the time they get. */
const TIMEOUT_CHECK_MS = 2500;

/** What a caller may choose as the id of his request; anything else gets one of ours. */
const REQUEST_ID = /^[\w.-]{8,64}$/;

const EXPOSED_HEADERS = [
  'Content-Disposition',
  'X-Filename',
  'Content-Length',
  'Content-Range',
  'Accept-Ranges',
  'ETag',
  'Retry-After',
];

/** Fastify with all routes on it, ready to listen. */
export async function createServer(services: Services): Promise<FastifyInstance> {
  const { config, log } = services;
  const app: FastifyInstance = Fastify({
    loggerInstance: log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: trustProxy(config.server.trustProxy),
    bodyLimit: BODY_LIMIT,
    requestTimeout: REQUEST_TIMEOUT_MS,
    http: {
      headersTimeout: HEAD_TIMEOUT_MS,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
      // Node's own answer has neither a body nor our headers; the hook below refuses instead.
      requireHostHeader: false,
    },
    clientErrorHandler: handleClientError,
    // A path that cannot be decoded: no hook runs for it.
    frameworkErrors: (error, _request, reply) => {
      void reply.headers(SECURITY_HEADERS);
      return sendError(reply, toServiceError(error));
    },
    // A HEAD made from a GET would open the upstream as well; routes that can do it better say so.
    exposeHeadRoutes: false,
    forceCloseConnections: 'idle',
    // Who still has a connection while the service ends is answered on it, a last time: /health says `draining`.
    return503OnClosing: false,
    genReqId: (request) => {
      const given = request.headers['x-request-id'];
      return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
    },
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(() => (body) => JSON.stringify(body));
  app.addHook('onRequest', async (request, reply) => {
    void reply.header('x-request-id', request.id).headers(SECURITY_HEADERS);
    if (request.headers.host === undefined && request.raw.httpVersion === '1.1') {
      throw new ServiceError('invalid_request', { message: 'The request has no Host header.' });
    }
  });
  app.addHook('onSend', async (_request, reply) => {
    // Fastify says so to requests that come while it closes; those that came before must not keep theirs either.
    if (services.health.draining) void reply.header('connection', 'close');
  });
  app.decorate('visitors', new Set<AbortController>());
  registerErrorHandlers(app);
  logRequests(app, services.metrics.observers);
  await app.register(cors, {
    origin: config.server.corsOrigin,
    exposedHeaders: EXPOSED_HEADERS,
    maxAge: 86_400,
  });
  await describeApi(app, services.version, config.server.baseUrl);
  await registerRateLimits(app, services.shared);
  tiktokRoute(app, services);
  const each = config.limits.perMinute === 0 ? null : DOWNLOAD_LIMITS.each;
  const slots = new DownloadLimiter({ all: DOWNLOAD_LIMITS.all, each });
  mediaRoutes(app, services, slots);
  slideshowRoutes(app, services, slots);
  healthRoute(app, services);
  metricsRoute(app, services);
  await pageRoutes(app, services);
  return app;
}

/** A number means so many proxies in front of us: the socket's own address is hop 0. */
function trustProxy(setting: boolean | number | string) {
  return typeof setting === 'number' ? (_address: string, hop: number) => hop < setting : setting;
}
