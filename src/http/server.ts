import { randomUUID } from 'node:crypto';
import cors from '@fastify/cors';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import { validatorCompiler } from 'fastify-type-provider-zod';
import type { Services } from '../services.ts';
import { logRequests } from './access-log.ts';
import { answerErrors } from './errors.ts';
import { registerLimits } from './limits.ts';
import { describeApi } from './openapi.ts';
import { healthRoute } from './routes/health.ts';
import { mediaRoutes } from './routes/media.ts';
import { metricsRoute } from './routes/metrics.ts';
import { pageRoutes } from './routes/page.ts';
import { slideshowRoutes } from './routes/slideshow.ts';
import { tiktokRoute } from './routes/tiktok.ts';

/** A share sheet's text and its JSON around it; nobody has to send more. */
const BODY_LIMIT = 16 * 1024;

/** For the head and body of a request to arrive; a slow sender holds a connection no longer. */
const REQUEST_TIMEOUT_MS = 15_000;

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
    // A HEAD made from a GET would open the upstream as well; routes that can do it better say so.
    exposeHeadRoutes: false,
    forceCloseConnections: 'idle',
    genReqId: (request) => {
      const given = request.headers['x-request-id'];
      return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
    },
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(() => (body) => JSON.stringify(body));
  app.addHook('onRequest', async (request, reply) => {
    void reply.header('x-request-id', request.id).header('x-content-type-options', 'nosniff');
  });
  answerErrors(app);
  logRequests(app, services.metrics.observers);
  await app.register(cors, {
    origin: config.server.corsOrigin,
    exposedHeaders: EXPOSED_HEADERS,
    maxAge: 86_400,
  });
  await describeApi(app, services.version, config.server.baseUrl);
  await registerLimits(app, services.shared);
  tiktokRoute(app, services);
  mediaRoutes(app, services);
  slideshowRoutes(app, services);
  healthRoute(app, services);
  metricsRoute(app, services);
  await pageRoutes(app, services);
  return app;
}

/** A number means so many proxies in front of us: the socket's own address is hop 0. */
function trustProxy(setting: boolean | number | string) {
  return typeof setting === 'number' ? (_address: string, hop: number) => hop < setting : setting;
}
