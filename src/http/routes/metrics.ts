import type { FastifyInstance } from 'fastify';
import type { Services } from '../../services.ts';

/** GET /metrics: what Prometheus is told. Numbers only; nothing in it is a visitor's. */
export function metricsRoute(app: FastifyInstance, { metrics }: Services): void {
  app.get('/metrics', { schema: { summary: 'Numbers for Prometheus' } }, async (_request, reply) =>
    reply
      .header('cache-control', 'no-store')
      .type(metrics.contentType)
      .send(await metrics.text()),
  );
}
