import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Services } from '../../services.ts';
import { routeNotFound } from '../errors.ts';
import { textResponse } from '../schemas/file.ts';
import { METRICS_EXAMPLE } from '../schemas/health.ts';

const METRICS = {
  summary: 'Metrics for Prometheus',
  response: textResponse('text/plain', "Prometheus' text format.", METRICS_EXAMPLE),
};

/** GET /metrics. It answers 404 to those who may not see it. */
export function metricsRoute(
  app: FastifyInstance,
  { metrics }: Pick<Services, 'metrics'>,
  seesDetails: (request: FastifyRequest) => boolean,
): void {
  const options = { schema: METRICS, exposeHeadRoute: true, config: { cors: false as const } };
  app.get('/metrics', options, async (request, reply) => {
    if (!seesDetails(request)) return routeNotFound(reply);
    return reply
      .header('cache-control', 'no-store')
      .type(metrics.contentType)
      .send(await metrics.text());
  });
}
