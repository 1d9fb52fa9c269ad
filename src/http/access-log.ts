import type { FastifyInstance, FastifyRequest } from 'fastify';
import ipaddr from 'ipaddr.js';
import type { ExtractionTimings } from '../extraction/index.ts';
import type { Observers } from '../metrics/index.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** How a request ended, for its line in the log. */
    outcome: LogFields | null;
    /** Where an extraction for this request spent its time. */
    trace: ExtractionTimings | null;
    /** When the answer began, in milliseconds since the request came; null before that. */
    firstByteMs: number | null;
  }
}

interface LogFields {
  code?: string;
  /** What an error keeps from the client. */
  reason?: string | undefined;
  post?: string;
  cached?: boolean;
}

/** Our own are short; a flood of long ones must not fill the disk. */
const MAX_PATH = 200;

/** Where a request belongs that no route takes; its path may be anything. */
const NO_ROUTE = 'none';

/**
 * One line for each request, and its numbers for Prometheus. The path goes in without its query: that is where the
 * tokens are.
 */
export function logRequests(app: FastifyInstance, observers: Pick<Observers, 'onRequest'>): void {
  app.decorateRequest('outcome', null);
  app.decorateRequest('trace', null);
  app.decorateRequest('firstByteMs', null);
  app.addHook('onSend', async (request, reply) => {
    request.firstByteMs = reply.elapsedTime;
  });
  app.addHook('onResponse', async (request, reply) => {
    const { outcome, trace, firstByteMs } = request;
    const line = {
      method: request.method,
      path: request.url.split('?', 1)[0]?.slice(0, MAX_PATH),
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
      ...(firstByteMs !== null && { firstByteMs: Math.round(firstByteMs) }),
      ...outcome,
      ...trace,
      client: shortened(request),
    };
    if (reply.statusCode >= 500) request.log.warn(line, 'request');
    else request.log.info(line, 'request');
    observers.onRequest({
      method: request.method,
      route: request.routeOptions.url ?? NO_ROUTE,
      status: reply.statusCode,
      code: outcome?.code ?? '',
      firstByteSeconds: firstByteMs === null ? null : firstByteMs / 1000,
      seconds: reply.elapsedTime / 1000,
    });
  });
}

/** A visitor's network, not the visitor: enough to see where a flood comes from, too little to be personal. */
function shortened({ ip }: FastifyRequest): string {
  if (!ipaddr.isValid(ip)) return 'unknown';
  const address = ipaddr.process(ip);
  return address.kind() === 'ipv4'
    ? `${ipaddr.IPv4.networkAddressFromCIDR(`${address.toString()}/24`).toString()}/24`
    : `${ipaddr.IPv6.networkAddressFromCIDR(`${address.toString()}/48`).toRFC5952String()}/48`;
}
