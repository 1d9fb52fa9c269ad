import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { ServiceError } from '../errors.ts';

/** How often idle connections are closed during the shutdown, in milliseconds. */
const IDLE_CHECK_MS = 100;
/** Time for the last responses to be sent after the grace, in milliseconds. */
const FLUSH_MS = 1000;
/** Limit for closing what is behind the routes, in milliseconds. */
const CLOSE_LIMIT_MS = 15_000;

declare module 'fastify' {
  interface FastifyInstance {
    /** Aborts the work for each request that has no whole response yet. */
    activeRequests: Set<AbortController>;
    idleSockets: IdleSockets;
  }
}

/**
 * Prepares a server for its shutdown: while draining it answers on open connections, and closes each after its response.
 * Fastify does so only for requests that begin after `close()`.
 */
export function prepareShutdown(app: FastifyInstance, health: { readonly draining: boolean }): void {
  app.decorate('activeRequests', new Set<AbortController>());
  app.decorate('idleSockets', new IdleSockets(app.server));
  app.addHook('onSend', async (_request, reply) => {
    if (health.draining) void reply.header('connection', 'close');
  });
}

export interface ShutdownOptions {
  server: FastifyInstance;
  health: { draining: boolean };
  /** How long the listener stays open while /health/ready answers 503. */
  delayMs: number;
  /** How long requests in progress may take after that. */
  graceMs: number;
  /** Closes what is behind the routes, and the management listener. */
  close: () => Promise<readonly string[]>;
  /** Resolves when no client can be reached any more. */
  networkGone: Promise<void>;
}

/**
 * SIGTERM or SIGINT drains the service and exits; a second one exits at once. Without a network it exits with 1, for a
 * restart policy to start it anew.
 */
export function shutDownOnSignals(options: ShutdownOptions): void {
  const { log } = options.server;
  let ending = false;
  const end = (cause: object, exitCode: number, times: Pick<ShutdownOptions, 'delayMs' | 'graceMs'>) => {
    ending = true;
    log.info({ ...cause, graceMs: times.graceMs }, 'shutting down');
    drain({ ...options, ...times }).then(
      (failed) => process.exit(failed.length > 0 ? 1 : exitCode),
      (err) => {
        log.error({ err }, 'the shutdown failed');
        process.exit(1);
      },
    );
  };
  const onSignal = (signal: NodeJS.Signals) => {
    if (ending) process.exit(1);
    end({ signal }, 0, options);
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  void options.networkGone.then(() => {
    if (!ending) end({ reason: 'the network is gone' }, 1, { delayMs: 0, graceMs: 0 });
  });
}

async function drain({ server, health, delayMs, graceMs, close }: ShutdownOptions) {
  health.draining = true;
  if (delayMs > 0) await sleep(delayMs);
  const idle = setInterval(() => closeIdle(server), IDLE_CHECK_MS);
  const graceOver = setTimeout(() => {
    abortAll(server);
    setTimeout(() => server.server.closeAllConnections(), FLUSH_MS);
    setTimeout(() => process.exit(1), FLUSH_MS + CLOSE_LIMIT_MS);
  }, graceMs);
  try {
    await server.close();
  } finally {
    clearInterval(idle);
    clearTimeout(graceOver);
    setTimeout(() => process.exit(1), CLOSE_LIMIT_MS);
  }
  return close();
}

/** Aborts the work for all requests: those without a response get `busy`, files are broken off. */
function abortAll({ activeRequests }: FastifyInstance): void {
  const reason = new ServiceError('busy', { message: 'The server is restarting.', retryAfter: 1 });
  for (const controller of activeRequests) controller.abort(reason);
}

function closeIdle(app: FastifyInstance): void {
  app.server.closeIdleConnections();
  app.idleSockets.close();
}

/** Connections without a request so far, such as browsers open in advance: closeIdleConnections skips them. */
class IdleSockets {
  readonly #sockets = new Set<Socket>();
  /** Those without a byte at the last call. */
  #suspects = new Set<Socket>();

  constructor(server: Server) {
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    server.on('request', ({ socket }) => this.#sockets.delete(socket));
  }

  /** Closes what has been silent for two calls: at the first, a request may have arrived that is not read yet. */
  close(): void {
    const silent = [...this.#sockets].filter((socket) => socket.bytesRead === 0);
    for (const socket of silent) if (this.#suspects.has(socket)) socket.destroy();
    this.#suspects = new Set(silent);
  }
}
