import type { FastifyReply, FastifyRequest } from 'fastify';
import type { HealingTrace } from '../cdn/index.ts';
import type { ExtractionTimings } from '../extraction/index.ts';
import { clientKey } from './client-key.ts';

/** What the features need to know of a request. They fill in the trace, which goes into the access log. */
export interface RequestContext {
  client: string;
  signal: AbortSignal;
  trace: RequestTrace;
}

/** How a request was served, for the log. */
export type RequestTrace = ExtractionTimings & HealingTrace;

export function requestContext(request: FastifyRequest, reply: FastifyReply): RequestContext {
  const trace: RequestTrace = {};
  request.trace = trace;
  return { client: clientKey(request), signal: disconnectSignal(request, reply), trace };
}

/** The client closed the connection before the end of the response. */
export class ClientDisconnected extends Error {
  override name = 'ClientDisconnected';
}

/**
 * Aborts when the client disconnects before the end of the response, or at the end of the shutdown's grace. Fastify's
 * own request.signal also aborts when the body of a POST has been read (Fastify 5.12).
 */
function disconnectSignal({ server }: FastifyRequest, { raw }: FastifyReply): AbortSignal {
  const controller = new AbortController();
  if (raw.destroyed) {
    // During a hook; 'close' has been emitted.
    controller.abort(new ClientDisconnected());
    return controller.signal;
  }
  server.activeRequests.add(controller);
  raw.once('close', () => {
    server.activeRequests.delete(controller);
    if (!raw.writableFinished) controller.abort(new ClientDisconnected());
  });
  return controller.signal;
}
