import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ErrorCode } from '../errors.ts';
import type { Observers } from '../metrics/index.ts';
import { loggedNetwork } from './client-key.ts';
import type { RequestTrace } from './request-context.ts';
import './require-access.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** What a route adds to the request's line in the log. */
    outcome: LogFields | null;
    trace: RequestTrace | null;
    /** performance.now() when the request came. */
    beganAt: number;
    /** Milliseconds from the request to the first byte of the response; null before that. */
    firstByteMs: number | null;
  }
}

interface LogFields {
  /** Of a response that did not go through Fastify. */
  status?: number;
  code?: ErrorCode;
  /** What an error does not tell the client. */
  reason?: string | undefined;
  post?: string;
  cached?: boolean;
  /** Of a batch. */
  links?: number;
  /** How many of them were answered with an error. */
  failed?: number;
}

export type RequestObserver = Pick<Observers, 'onRequest'>;

/** Characters of the path that are logged. */
const MAX_PATH = 200;

/** Label of requests that no route takes. */
const NO_ROUTE = 'none';

/** nginx's status for a client that disconnects before the response. */
export const CLIENT_CLOSED_REQUEST = 499;

/** Code in log and metrics, for a client that disconnects before the end of the response. */
const CLIENT_GONE = 'client_gone';

/** The last request of each connection. */
const lastRequests = new WeakMap<Socket, FastifyRequest>();

/** Routes that monitoring asks often; their successes are logged at debug. */
const MONITORING = /^\/(health|metrics)/;

/**
 * Logs and counts each request once, however it ends. The path is logged without its query, which has tokens in it.
 * To be called before other plugins add hooks: a request that one of them rejects is logged too.
 */
export function logRequests(app: FastifyInstance, observers: RequestObserver): void {
  app.decorateRequest('outcome', null);
  app.decorateRequest('trace', null);
  app.decorateRequest('apiKey', null);
  app.decorateRequest('beganAt', 0);
  app.decorateRequest('firstByteMs', null);
  app.addHook('onRequest', (request, reply, done) => {
    logAtEnd(request, reply, observers);
    done();
  });
  app.addHook('onSend', async (request, reply) => {
    if (!reply.raw.destroyed) markFirstByte(request);
  });
}

/** To be called when the response begins. */
export function markFirstByte(request: FastifyRequest): void {
  request.firstByteMs = performance.now() - request.beganAt;
}

/** The request whose body a connection is sending; it gets its line at its end. */
export function unfinishedRequest(socket: Socket): FastifyRequest | null {
  const request = lastRequests.get(socket);
  return request && !request.raw.complete ? request : null;
}

/** Logs one request when its response is complete or its connection is closed. */
export function logAtEnd(request: FastifyRequest, reply: FastifyReply, observers: RequestObserver): void {
  const { raw } = reply;
  const { socket } = request.raw;
  const sentBefore = socket.bytesWritten;
  lastRequests.set(socket, request);
  request.beganAt = performance.now();
  request.firstByteMs = null;
  raw.once('close', () => {
    const aborted = !raw.writableFinished && (socket.destroyed || !raw.writableEnded);
    const { outcome, trace, firstByteMs } = request;
    const ms = performance.now() - request.beganAt;
    const code = outcome?.code ?? (aborted ? CLIENT_GONE : undefined);
    const status = outcome?.status ?? (aborted && !raw.headersSent ? CLIENT_CLOSED_REQUEST : raw.statusCode);
    const line = {
      method: request.method,
      path: request.url.split('?', 1)[0]?.slice(0, MAX_PATH),
      status,
      ms: Math.round(ms),
      ...(firstByteMs !== null && { firstByteMs: Math.round(firstByteMs) }),
      bytes: socket.bytesWritten - sentBefore || 0,
      ...(aborted && { aborted }),
      ...outcome,
      ...(code && { code }),
      ...trace,
      ...(request.apiKey && { key: request.apiKey.name }),
      client: loggedNetwork(request.ip),
    };
    request.log[levelOf(status, request)](line, 'request');
    observers.onRequest({
      method: request.method,
      route: request.routeOptions.url ?? NO_ROUTE,
      status,
      code: code ?? '',
      firstByteSeconds: firstByteMs === null ? null : firstByteMs / 1000,
      seconds: ms / 1000,
    });
  });
}

function levelOf(status: number, { routeOptions }: FastifyRequest): 'debug' | 'info' | 'warn' {
  if (status >= 500) return 'warn';
  return status === 200 && MONITORING.test(routeOptions.url ?? '') ? 'debug' : 'info';
}
