import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Services } from '../../services.ts';
import { healthResponses, liveResponse, readyResponses } from '../schemas/health.ts';

const HEALTH = { summary: 'Whether posts can be fetched now', response: healthResponses };
const LIVE = { summary: 'Whether the process answers', response: { 200: liveResponse } };
const READY = { summary: 'Whether requests may be sent here', response: readyResponses };

/** Uptime monitors send HEAD. No other site's page may read these through a browser inside the network. */
const MONITORED = { exposeHeadRoute: true, config: { cors: false as const } };

type HealthServices = Pick<Services, 'health' | 'warnings'>;

/**
 * /health, /health/live and /health/ready. They read what is known and contact nobody, so they stay fast under load.
 * @param seesDetails whether a request gets more than the short answer of /health
 */
export function healthRoutes(
  app: FastifyInstance,
  { health, warnings }: HealthServices,
  seesDetails: (request: FastifyRequest) => boolean,
): void {
  app.get('/health', { schema: HEALTH, ...MONITORED }, async (request, reply) => {
    const report = health.report();
    return reply
      .code(statusCodeOf(report))
      .header('cache-control', 'no-store')
      .send(seesDetails(request) ? { ...report, warnings: [...warnings] } : shortForm(report));
  });
  app.get('/health/live', { schema: LIVE, ...MONITORED }, async (_request, reply) =>
    reply.header('cache-control', 'no-store').send({ status: 'ok' }),
  );
  app.get('/health/ready', { schema: READY, ...MONITORED }, async (_request, reply) => {
    const report = health.report();
    return reply
      .code(statusCodeOf(report))
      .header('cache-control', 'no-store')
      .send({ status: report.status });
  });
}

type Report = ReturnType<HealthServices['health']['report']>;

function statusCodeOf({ status }: Report): 200 | 503 {
  return status === 'ok' || status === 'degraded' ? 200 : 503;
}

function shortForm({ status, time, uptime, version, ytdlp, workers }: Report) {
  return { status, time, uptime, version, ytdlp, workers };
}
