import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyBaseLogger } from 'fastify';
import { type Limits, maxConnections } from '../limits.ts';
import { loggedNetwork, networksOf } from './client-key.ts';
import { NetworkCounter } from './network-counter.ts';

export interface ConnectionOptions {
  limits: Limits;
  log: FastifyBaseLogger;
  /** Whether an address is a proxy in front of the service: its connections are those of many clients. */
  isProxy: (address: string | undefined) => boolean;
}

/** An HTTP server whose connections are bounded: in all, for each client, and in what each may pipeline. */
export function createBoundedServer(
  options: ServerOptions,
  handler: RequestListener,
  bounds: ConnectionOptions,
): Server {
  const server = createServer(options, boundPipelining(handler, bounds));
  server.maxConnections = maxConnections(bounds.limits);
  boundClients(server, bounds);
  return server;
}

/**
 * Closes a connection with more unanswered requests than LIMITS allows. Node stops reading only once responses back
 * up, so requests that wait for something could arrive without end.
 */
function boundPipelining(handler: RequestListener, { limits, log }: ConnectionOptions): RequestListener {
  const unanswered = new WeakMap<Socket, number>();
  return (request, response) => {
    const { socket } = request;
    // Node goes on to parse what it has read of a closed connection.
    if (socket.destroyed) return;
    const count = (unanswered.get(socket) ?? 0) + 1;
    if (count > limits.connection.pipelined) {
      const client = loggedNetwork(socket.remoteAddress);
      log.info({ requests: count, client }, 'connection closed: too many pipelined requests');
      socket.destroy();
      return;
    }
    unanswered.set(socket, count);
    response.once('close', () => unanswered.set(socket, (unanswered.get(socket) ?? 1) - 1));
    handler(request, response);
  };
}

function boundClients(server: Server, { limits, isProxy }: ConnectionOptions): void {
  const share = Math.max(1, Math.floor(server.maxConnections * limits.client.connectionShare));
  const clients = new NetworkCounter(share);
  server.on('connection', (socket: Socket) => {
    if (isProxy(socket.remoteAddress)) return;
    const giveBack = clients.take(networksOf(socket.remoteAddress));
    if (giveBack) socket.once('close', giveBack);
    else socket.destroy();
  });
}
