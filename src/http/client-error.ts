import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyBaseLogger } from 'fastify';
import { ServiceError } from '../errors.ts';
import { type RequestObserver, unfinishedRequest } from './access-log.ts';
import { loggedNetwork } from './client-key.ts';
import { errorBody } from './errors.ts';
import { SECURITY_HEADERS } from './security-headers.ts';

/** By Node's code for what is wrong with a request; anything else is a 400. */
const STATUSES: Readonly<Record<string, [status: number, message: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request took too long to arrive.'],
  HPE_HEADER_OVERFLOW: [431, 'The request head is too large.'],
  CONNECT: [405, 'CONNECT is not allowed here.'],
};

/**
 * Node's 'clientError': the bytes are no HTTP request, or do not arrive. The response is written by hand; the connection is
 * closed, because the start of a next request cannot be known.
 */
export function clientErrorHandler(log: FastifyBaseLogger, observers: RequestObserver) {
  return (error: Error & { code?: string }, socket: Socket): void => {
    if (error.code === 'ECONNRESET' || socket.destroyed) return;
    const known = Object.hasOwn(STATUSES, error.code ?? '') ? STATUSES[error.code ?? ''] : undefined;
    const [status, message] = known ?? [400, 'This is not a valid HTTP request.'];
    const unfinished = unfinishedRequest(socket);
    const reqId = unfinished?.id ?? randomUUID();
    const client = loggedNetwork(socket.remoteAddress);
    if (socket.writable) socket.write(response(status, message, reqId));
    socket.destroy();
    const outcome = { status, code: 'invalid_request', reason: error.code } as const;
    if (unfinished) {
      // Otherwise the client has left in the middle of the body.
      if (error.code !== 'HPE_INVALID_EOF_STATE') unfinished.outcome = { ...unfinished.outcome, ...outcome };
      return;
    }
    log.info({ reqId, ...outcome, client }, 'request');
    observers.onRequest({
      method: 'none',
      route: 'none',
      status,
      code: 'invalid_request',
      firstByteSeconds: null,
      seconds: 0,
    });
  };
}

function response(status: number, message: string, requestId: string): string {
  const body = JSON.stringify(errorBody(new ServiceError('invalid_request', { message }), requestId));
  const headers = {
    ...SECURITY_HEADERS,
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
    'cache-control': 'no-store',
    connection: 'close',
  };
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head.join('')}\r\n${body}`;
}
