import type { FastifyInstance } from 'fastify';
import type { Services } from '../../services.ts';
import { healthResponses, liveResponse, readyResponses } from '../schemas/health.ts';

const HEALTH = { summary: 'Whether posts can be fetched now', response: healthResponses };
const LIVE = { summary: 'Whether the process answers', response: { 200: liveResponse } };
const READY = { summary: 'Whether it may be sent visitors', response: readyResponses };

/** HEAD is what uptime monitors like to send. */
const WATCHED = { exposeHeadRoute: true };

/** /health and its two short forms. Reads what is known; asks nobody, so it stays fast under load. */
export function healthRoute(app: FastifyInstance, { health }: Services): void {
  app.get('/health', { schema: HEALTH, ...WATCHED }, async (_request, reply) => {
    const report = health.report();
    const serving = report.status === 'ok' || report.status === 'degraded';
    return reply
      .code(serving ? 200 : 503)
      .header('cache-control', 'no-store')
      .send(report);
  });
  app.get('/health/live', { schema: LIVE, ...WATCHED }, async (_request, reply) =>
    reply.header('cache-control', 'no-store').send({ status: 'ok' }),
  );
  app.get('/health/ready', { schema: READY, ...WATCHED }, async (_request, reply) => {
    const { status } = health.report();
    const ready = status === 'ok' || status === 'degraded';
    return reply
      .code(ready ? 200 : 503)
      .header('cache-control', 'no-store')
      .send({ status });
  });
}
