import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { ServiceError } from '../errors.ts';
import { errorBody } from './errors.ts';
import { SECURITY_HEADERS } from './security-headers.ts';

/** Node's codes for what is wrong with a request; anything else is a 400. */
const STATUSES: Readonly<Record<string, [status: number, message: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request took too long to arrive.'],
  HPE_HEADER_OVERFLOW: [431, 'The head of the request is too large.'],
};

/**
 * The last words to a sender whose bytes are no HTTP request, or do not arrive: no route ever saw it, so the answer is
 * written by hand. The connection ends, for nobody knows where a next request would begin.
 */
export function handleClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const known = Object.hasOwn(STATUSES, error.code ?? '') ? STATUSES[error.code ?? ''] : undefined;
  const [status, message] = known ?? [400, 'This is not a valid HTTP request.'];
  const body = JSON.stringify(errorBody(new ServiceError('invalid_request', { message }), randomUUID()));
  const headers = {
    ...SECURITY_HEADERS,
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
    'cache-control': 'no-store',
    connection: 'close',
  };
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  if (socket.writable) {
    socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head.join('')}\r\n${body}`);
  }
  socket.destroy();
}
