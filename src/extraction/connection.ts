import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { LineSplitter } from './lines.ts';
import { type Hello, type Job, PROTOCOL, type Reply } from './protocol.ts';

/** How long a fresh child may take to say hello. */
const HELLO_TIMEOUT_MS = 10_000;

/** The child is gone, or sent something that is no reply: the job may be tried on another child. */
export class ConnectionLost extends Error {
  override name = 'ConnectionLost';
}

/** A job that its child did not end at the deadline. */
export class JobOverdue extends Error {
  override name = 'JobOverdue';
}

/** A worker's connection to its yt-dlp child (see protocol.ts). One job at a time. */
export class Connection {
  readonly hello: Hello;
  readonly #socket: Socket;
  #waiting: { id: number; resolve(reply: Reply): void; reject(error: Error): void } | null = null;
  #closed: Error | null = null;
  #lastId = 0;

  /** @throws ConnectionLost where there is no host, or no child that speaks our protocol */
  static async open(socketPath: string): Promise<Connection> {
    const socket = connect(socketPath);
    const lines = messages(socket);
    const timer = setTimeout(() => socket.destroy(new ConnectionLost('no hello')), HELLO_TIMEOUT_MS);
    try {
      const first = await lines.next();
      if (first.done) throw new ConnectionLost('closed before its hello');
      const hello = first.value as Hello;
      if (hello.protocol !== PROTOCOL) {
        throw new ConnectionLost(`the host speaks protocol ${hello.protocol}, this service ${PROTOCOL}`);
      }
      return new Connection(socket, hello, lines);
    } catch (error) {
      socket.destroy();
      throw error instanceof ConnectionLost ? error : new ConnectionLost('no connection', { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }

  private constructor(socket: Socket, hello: Hello, lines: AsyncGenerator<unknown>) {
    this.#socket = socket;
    this.hello = hello;
    void this.#listen(lines);
  }

  get closed(): boolean {
    return this.#closed !== null;
  }

  /** @throws ConnectionLost when the child goes before it answers */
  request(job: Omit<Job, 'id'>): Promise<Reply> {
    if (this.#closed) return Promise.reject(this.#closed);
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting = { id, resolve, reject };
      this.#socket.write(`${JSON.stringify({ ...job, id })}\n`);
    });
  }

  /** Fails the job under way and all later ones with `reason`. Idempotent. */
  close(reason: Error = new ConnectionLost('closed')): void {
    if (this.#closed) return;
    this.#closed = reason;
    this.#socket.destroy();
    this.#waiting?.reject(reason);
    this.#waiting = null;
  }

  async #listen(lines: AsyncGenerator<unknown>): Promise<void> {
    try {
      for await (const message of lines) {
        const reply = message as Reply;
        if (!this.#waiting || reply.id !== this.#waiting.id) throw new Error('a reply without a job');
        const { resolve } = this.#waiting;
        this.#waiting = null;
        resolve(reply);
        if (reply.last) this.close(new ConnectionLost('the child ended'));
      }
      this.close(new ConnectionLost('the child is gone'));
    } catch (error) {
      this.close(new ConnectionLost('the connection broke', { cause: error }));
    }
  }
}

async function* messages(socket: Socket): AsyncGenerator<unknown> {
  const splitter = new LineSplitter();
  // Without a listener an error between two reads would be uncaught.
  socket.on('error', () => {});
  if (socket.connecting) await once(socket, 'connect');
  for await (const chunk of socket) {
    for (const line of splitter.push(chunk as Buffer)) yield JSON.parse(line);
  }
}
