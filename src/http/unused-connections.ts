import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Connections that have brought nothing yet: browsers open some in advance. Node's closeIdleConnections passes over
 * them (Node 20 to 24), and once a server closes, its time limits do not end them either.
 */
export class UnusedConnections {
  readonly #sockets = new Set<Socket>();

  constructor(server: Server) {
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    server.on('request', ({ socket }) => this.#sockets.delete(socket));
  }

  close(): void {
    for (const socket of this.#sockets) if (socket.bytesRead === 0) socket.destroy();
  }
}
