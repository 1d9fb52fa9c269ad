import type { FastifyInstance } from 'fastify';
import type { Services } from '../../services.ts';
import { healthAnswer } from '../answers.ts';

const HEALTH = {
  summary: 'Whether posts can be fetched now',
  response: { 200: healthAnswer, 503: healthAnswer },
};

/** GET /health and its two short forms. Reads what is known; asks nobody, so it stays fast under load. */
export function healthRoute(app: FastifyInstance, { health }: Services): void {
  app.get('/health', { schema: HEALTH }, async (_request, reply) => {
    const report = health.report();
    const serving = report.status === 'ok' || report.status === 'degraded';
    return reply
      .code(serving ? 200 : 503)
      .header('cache-control', 'no-store')
      .send(report);
  });
  app.get('/health/live', async (_request, reply) =>
    reply.header('cache-control', 'no-store').send({ status: 'ok' }),
  );
  app.get('/health/ready', async (_request, reply) => {
    const { status } = health.report();
    const ready = status === 'ok' || status === 'degraded';
    return reply
      .code(ready ? 200 : 503)
      .header('cache-control', 'no-store')
      .send({ status });
  });
}
