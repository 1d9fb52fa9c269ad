import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { Services } from '../services.ts';
import { logRequests } from './access-log.ts';
import { registerErrorHandlers } from './errors.ts';
import { healthRoutes } from './routes/health.ts';
import { metricsRoute } from './routes/metrics.ts';
import { SECURITY_HEADERS } from './security-headers.ts';

/** The listener of MANAGEMENT_PORT: /health with all details and /metrics, apart from the clients' connections. */
export function createManagementServer(services: Services): FastifyInstance {
  const app: FastifyInstance = Fastify({
    loggerInstance: services.log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    exposeHeadRoutes: false,
    forceCloseConnections: true,
  });
  app.setSerializerCompiler(() => (body) => JSON.stringify(body));
  logRequests(app, services.metrics.observers);
  app.addHook('onRequest', async (_request, reply) => {
    void reply.headers(SECURITY_HEADERS);
  });
  registerErrorHandlers(app);
  healthRoutes(app, services, () => true);
  metricsRoute(app, services, () => true);
  return app;
}
