import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
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
  /** Called for each connection that is closed because a limit is reached: the client's, or that of all. */
  onRefused: (limit: 'client' | 'process') => void;
}

/** An HTTP server whose connections are bounded: in all, for each client, and in what each may pipeline. */
export function createBoundedServer(
  options: ServerOptions,
  handler: RequestListener,
  bounds: ConnectionOptions,
): Server {
  const server = createServer(options, oneAtATime(handler, bounds));
  server.maxConnections = maxConnections(bounds.limits);
  // Node's own 417 has no body of ours, and an unknown expectation may be ignored (RFC 9110 §10.1.1).
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
  boundClients(server, bounds);
  return server;
}

type Waiting = [request: IncomingMessage, response: ServerResponse, leave: () => void];

/** The requests of one connection. */
interface Line {
  isBusy: boolean;
  waiting: Waiting[];
}

/**
 * Handles the requests of a connection one after the other. Those that wait behind another one are bounded for the
 * connection, the client and the process: Node stops reading only once responses back up, so they could arrive without
 * end. They are dropped with their connection.
 */
function oneAtATime(handler: RequestListener, { limits, log, isProxy }: ConnectionOptions): RequestListener {
  const lines = new WeakMap<Socket, Line>();
  const clients = new NetworkCounter(limits.client.pipelined);
  let inAll = 0;

  const enter = (socket: Socket, { waiting }: Line): (() => void) | null => {
    if (waiting.length >= limits.connection.pipelined || inAll >= limits.process.pipelined) return null;
    const giveBack = isProxy(socket.remoteAddress)
      ? () => {}
      : clients.take(networksOf(socket.remoteAddress));
    if (giveBack === null) return null;
    inAll += 1;
    return () => {
      inAll -= 1;
      giveBack();
    };
  };
  const begin = (line: Line, request: IncomingMessage, response: ServerResponse): void => {
    line.isBusy = true;
    response.once('close', () => next(line));
    handler(request, response);
  };
  const next = (line: Line): void => {
    line.isBusy = false;
    const [request, response, leave] = line.waiting.shift() ?? [];
    leave?.();
    if (request && response && !request.socket.destroyed) begin(line, request, response);
  };
  const open = (socket: Socket): Line => {
    const line: Line = { isBusy: false, waiting: [] };
    lines.set(socket, line);
    socket.once('close', () => {
      for (const [, , leave] of line.waiting.splice(0)) leave();
    });
    return line;
  };
  return (request, response) => {
    const { socket } = request;
    // Node goes on to parse what it has read of a closed connection.
    if (socket.destroyed) return;
    const line = lines.get(socket) ?? open(socket);
    if (!line.isBusy) {
      begin(line, request, response);
      return;
    }
    const leave = enter(socket, line);
    if (leave) {
      line.waiting.push([request, response, leave]);
      return;
    }
    const client = loggedNetwork(socket.remoteAddress);
    log.info({ requests: line.waiting.length, client }, 'connection closed: too many pipelined requests');
    socket.destroy();
  };
}

function boundClients(server: Server, { limits, isProxy, onRefused }: ConnectionOptions): void {
  const share = Math.max(1, Math.floor(server.maxConnections * limits.client.connectionShare));
  const clients = new NetworkCounter(share);
  let open = 0;
  server.on('connection', (socket: Socket) => {
    open += 1;
    socket.once('close', () => {
      open -= 1;
    });
    // Whoever holds connections without using them makes room for those who come.
    if (open > server.maxConnections * limits.process.crowded) server.closeIdleConnections();
    if (isProxy(socket.remoteAddress)) return;
    const giveBack = clients.take(networksOf(socket.remoteAddress));
    if (giveBack) socket.once('close', giveBack);
    else {
      onRefused('client');
      socket.destroy();
    }
  });
  server.on('drop', () => onRefused('process'));
}
