import type { FastifyInstance } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    /** How a request ended, for its line in the log. */
    outcome: Outcome | null;
  }
}

interface Outcome {
  code?: string;
  /** What an error keeps from the client. */
  reason?: string | undefined;
  post?: string;
  cached?: boolean;
}

/** One line for each request. The path goes in without its query: that is where the tokens are. */
export function logRequests(app: FastifyInstance): void {
  app.decorateRequest('outcome', null);
  app.addHook('onResponse', async (request, reply) => {
    const line = {
      method: request.method,
      path: request.url.split('?', 1)[0],
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
      ...request.outcome,
    };
    if (reply.statusCode >= 500) request.log.warn(line, 'request');
    else request.log.info(line, 'request');
  });
}
