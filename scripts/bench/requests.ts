/** A client that costs little, so that on a small machine the server is what is measured. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface LoadResult {
  answers: number;
  /** Answers by HTTP status. */
  statuses: Record<number, number>;
  seconds: number;
  /** Milliseconds, sorted. */
  latencies: number[];
}

export interface LoadOptions {
  /** http:// address. */
  url: string;
  connections: number;
  /** JSON body of the n-th request; null ends the load. */
  body(n: number): string | null;
}

/** Asks over kept connections, one request at a time on each. */
export async function load({ url, connections, body }: LoadOptions): Promise<LoadResult> {
  const { hostname, port, pathname, host } = new URL(url);
  const result: LoadResult = { answers: 0, statuses: {}, seconds: 0, latencies: [] };
  let sent = 0;
  const next = () => body(sent++);
  const began = performance.now();
  const lines = Array.from({ length: connections }, async () => {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    await once(socket, 'connect');
    await converse(socket, { pathname, host, next, result });
    socket.destroy();
  });
  await Promise.all(lines);
  result.seconds = (performance.now() - began) / 1000;
  result.latencies.sort((a, b) => a - b);
  return result;
}

interface Conversation {
  pathname: string;
  host: string;
  next(): string | null;
  result: LoadResult;
}

function converse(socket: Socket, { pathname, host, next, result }: Conversation): Promise<void> {
  return new Promise((resolve, reject) => {
    let asked = 0;
    let missing = 0;
    let head = '';
    const ask = () => {
      const body = next();
      if (body === null) return resolve();
      head = '';
      asked = performance.now();
      socket.write(
        `POST ${pathname} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\n` +
          `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      );
    };
    const end = () => {
      result.answers += 1;
      result.latencies.push(performance.now() - asked);
      const status = Number(head.slice(9, 12));
      result.statuses[status] = (result.statuses[status] ?? 0) + 1;
      missing = 0;
      ask();
    };
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the server closed the connection')));
    socket.on('data', (chunk: Buffer) => {
      if (missing > 0) {
        missing -= chunk.length;
        if (missing <= 0) end();
        return;
      }
      const before = head.length;
      head += chunk.toString('latin1', 0, Math.min(chunk.length, 4096));
      const headEnd = head.indexOf('\r\n\r\n');
      if (headEnd < 0) return;
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(head.slice(0, headEnd))?.[1]);
      missing = length - (chunk.length - (headEnd + 4 - before));
      if (missing <= 0) end();
    });
    ask();
  });
}
