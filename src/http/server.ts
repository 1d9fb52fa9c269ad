import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import { validatorCompiler } from 'fastify-type-provider-zod';
import { ServiceError } from '../errors.ts';
import type { Services } from '../services.ts';
import { logAtEnd, logRequests } from './access-log.ts';
import { clientErrorHandler } from './client-error.ts';
import { parseAddress } from './client-key.ts';
import { createBoundedServer } from './connections.ts';
import { registerCors } from './cors.ts';
import { DownloadLimiter } from './download-limiter.ts';
import { registerErrorHandlers, sendError, toServiceError } from './errors.ts';
import { acceptForms } from './forms.ts';
import { prepareShutdown } from './graceful-shutdown.ts';
import { seesDetails } from './health-access.ts';
import { describeApi, serveDocsFromMemory } from './openapi.ts';
import { RateCounter } from './rate-counter.ts';
import { ClientRate, registerRateLimits } from './rate-limits.ts';
import { batchRoute } from './routes/batch.ts';
import { dialectRoutes } from './routes/dialects.ts';
import { healthRoutes } from './routes/health.ts';
import { mediaRoutes } from './routes/media.ts';
import { metricsRoute } from './routes/metrics.ts';
import { pageRoutes } from './routes/page.ts';
import { slideshowRoutes } from './routes/slideshow.ts';
import { tiktokRoute } from './routes/tiktok.ts';
import { SECURITY_HEADERS } from './security-headers.ts';
import { trustFunction } from './trust-proxy.ts';
import { UnknownProxies } from './unknown-proxies.ts';
import { limitWriteStalls } from './write-stalls.ts';

/** What a client may choose as the id of its request; anything else is replaced. */
const REQUEST_ID = /^[\w.-]{8,64}$/;

/** Fastify with all routes, ready to listen. */
export async function createServer(services: Services): Promise<FastifyInstance> {
  const app = createBareServer(services);
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(() => (body) => JSON.stringify(body));
  logRequests(app, services.metrics.observers);
  app.addHook('onRequest', async (request, reply) => {
    void reply.header('x-request-id', request.id).headers(SECURITY_HEADERS);
    assertOneHost(request.raw);
  });
  const unknownProxies = new UnknownProxies(services);
  app.addHook('onRequest', async (request) => unknownProxies.note(request));
  prepareShutdown(app, services.health);
  serveDocsFromMemory(app, services.limits);
  limitWriteStalls(app, services);
  registerErrorHandlers(app);
  app.addHook('onRequest', async ({ ip }) => services.rules.checkClient(parseAddress(ip)));
  await registerRoutes(app, services);
  return app;
}

function createBareServer({ config, limits, log, metrics }: Services): FastifyInstance {
  const { observers } = metrics;
  const onClientError = clientErrorHandler(log, observers);
  const isTrusted = trustFunction(config.server.trustProxy);
  return Fastify({
    loggerInstance: log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: isTrusted,
    bodyLimit: limits.connection.bodyBytes,
    serverFactory: (handler, { keepAliveTimeout }) => {
      const server = createBoundedServer(
        {
          headersTimeout: limits.connection.headMs,
          requestTimeout: limits.connection.requestMs,
          connectionsCheckingInterval: limits.connection.checkMs,
          // Node's own answer has neither a body nor our headers; a hook rejects the request instead.
          requireHostHeader: false,
          ...(typeof keepAliveTimeout === 'number' && { keepAliveTimeout }),
        },
        handler,
        {
          limits,
          log,
          isProxy: (address = '') => isTrusted(address, 0),
          onRefused: observers.onRefusedConnection,
        },
      );
      // Node would close the connection without a word.
      server.on('connect', (_request, socket) =>
        onClientError(Object.assign(new Error(), { code: 'CONNECT' }), socket as Socket),
      );
      return server;
    },
    clientErrorHandler: onClientError,
    // A path that cannot be decoded: no hook runs for it.
    frameworkErrors: (error, request, reply) => {
      logAtEnd(request, reply, observers);
      void reply.headers(SECURITY_HEADERS);
      return sendError(reply, toServiceError(error));
    },
    // Clients of tikwm put a slash before the links of its page, which have one.
    routerOptions: { ignoreDuplicateSlashes: config.server.dialects.includes('tikwm') },
    // A HEAD made from a GET would open the upstream as well.
    exposeHeadRoutes: false,
    forceCloseConnections: 'idle',
    // While draining, requests on open connections are answered: /health reports `draining`.
    return503OnClosing: false,
    genReqId: (request) => {
      const given = request.headers['x-request-id'];
      return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
    },
  });
}

async function registerRoutes(app: FastifyInstance, services: Services): Promise<void> {
  const { config, limits } = services;
  await registerCors(app, config.server.corsOrigin);
  await describeApi(app, services.version, config.server.baseUrl);
  const counter = new RateCounter(services.shared, limits.process.countedClients);
  await registerRateLimits(app, counter);
  acceptForms(app);
  tiktokRoute(app, services);
  batchRoute(app, services, new ClientRate(counter, 'work', config.limits.perMinute));
  const slots = new DownloadLimiter({ all: limits.process.downloads, each: config.limits.downloadsAtOnce });
  const downloads = new ClientRate(counter, 'downloads', config.limits.downloadsPerMinute);
  mediaRoutes(app, services, { slots, rate: downloads });
  slideshowRoutes(app, services, slots);
  const mayRead = (request: Parameters<typeof seesDetails>[0]) => seesDetails(request, config);
  healthRoutes(app, services, mayRead);
  if (config.server.managementPort === null || config.secrets.healthToken)
    metricsRoute(app, services, mayRead);
  dialectRoutes(app, services);
  await pageRoutes(app, services);
}

/**
 * The Host decides where links lead, so there must be no doubt about it.
 * @throws ServiceError `invalid_request`
 */
function assertOneHost({ headers, httpVersion, rawHeaders, url = '' }: IncomingMessage): void {
  // Node keeps the first of several.
  const count = rawHeaders.filter((text, index) => index % 2 === 0 && text.toLowerCase() === 'host').length;
  const inTarget = /^\w+:\/\/([^/?#]*)/.exec(url)?.[1];
  const problem =
    (count === 0 && httpVersion === '1.1' && 'The request has no Host header.') ||
    (count > 1 && 'The request has two Host headers.') ||
    (inTarget !== undefined && inTarget !== headers.host && 'The request names two hosts.');
  if (problem) throw new ServiceError('invalid_request', { message: problem });
}
