import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Connections that have brought nothing yet: browsers open some in advance. Node's closeIdleConnections passes over
 * them (Node 20 to 24), and once a server closes, its time limits do not end them either.
 */
export class IdleSockets {
  readonly #sockets = new Set<Socket>();
  /** Those that had brought nothing the last time either. */
  #suspects = new Set<Socket>();

  constructor(server: Server) {
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    server.on('request', ({ socket }) => this.#sockets.delete(socket));
  }

  /** To be called again and again: a request may be here already that has only not been read yet, so none goes at once. */
  close(): void {
    const silent = [...this.#sockets].filter((socket) => socket.bytesRead === 0);
    for (const socket of silent) if (this.#suspects.has(socket)) socket.destroy();
    this.#suspects = new Set(silent);
  }
}
