import type { FastifyInstance } from 'fastify';
import type { Services } from '../../services.ts';
import { textResponse } from '../schemas/file.ts';
import { METRICS_EXAMPLE } from '../schemas/health.ts';

const METRICS = {
  summary: 'Numbers for Prometheus',
  response: textResponse('text/plain', "Prometheus' text format.", METRICS_EXAMPLE),
};

/** GET /metrics: what Prometheus is told. Numbers only; nothing in it is a visitor's. */
export function metricsRoute(app: FastifyInstance, { metrics }: Services): void {
  app.get('/metrics', { schema: METRICS, exposeHeadRoute: true }, async (_request, reply) =>
    reply
      .header('cache-control', 'no-store')
      .type(metrics.contentType)
      .send(await metrics.text()),
  );
}
