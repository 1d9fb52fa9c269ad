import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createSecureContext, TLSSocket } from 'node:tls';
import type { Authority } from './authority.ts';
import { fingerprintOf } from './fingerprint.ts';
import { isPlayedHost } from './hosts.ts';
import type { Journal } from './journal.ts';

/** Who opened a tunnel, and to where. */
export interface Tunnel {
  host: string;
  identity: string | null;
  proxy: number;
  /** Hash of the TLS ClientHello. */
  tls: string;
  reset(): void;
}

export interface ProxyHandlers {
  journal: Journal;
  /** A request inside a tunnel, in plain text. */
  onRequest(request: IncomingMessage, response: ServerResponse, tunnel: Tunnel): void;
  /** Credentials that every client must show (407 without), or null for anybody. */
  credentials: string | null;
  /** Hosts that the proxy cannot reach for now: 502. */
  unreachable: ReadonlySet<string>;
}

export interface ProxyPort {
  port: number;
  url: string;
  /** TCP connections of clients that are open now. */
  openConnections(): number;
  close(): Promise<void>;
}

function credentialsOf(request: IncomingMessage): string | null {
  const header = request.headers['proxy-authorization'];
  if (header === undefined || !header.startsWith('Basic ')) return null;
  return Buffer.from(header.slice(6), 'base64').toString();
}

/** Starts one listening proxy on 127.0.0.1; TLS of the played hosts ends here. */
export async function startProxy(
  index: number,
  authority: Authority,
  handlers: ProxyHandlers,
  port = 0,
): Promise<ProxyPort> {
  const sockets = new Set<Socket>();
  const tunnels = new WeakMap<Duplex, Tunnel>();
  const secureContext = createSecureContext({ key: authority.leafKeyPem, cert: authority.leafPem });
  // Takes the decrypted sockets only; it never listens.
  const inner = createServer({ keepAliveTimeout: 60_000, noDelay: true }, (request, response) => {
    const tunnel = tunnels.get(request.socket);
    if (tunnel === undefined || handlers.unreachable.has(tunnel.host)) request.socket.destroy();
    else handlers.onRequest(request, response, tunnel);
  });
  inner.on('clientError', (_error, socket) => socket.destroy());

  const refuse = (request: IncomingMessage, status: number, refusal: string): void => {
    handlers.journal.add({
      method: request.method ?? '',
      host: (request.url ?? '').replace(/:\d+$/, ''),
      url: request.url ?? '',
      headers: plain(request.headers),
      identity: credentialsOf(request)?.split(':')[0] ?? null,
      proxy: index,
      kind: 'refused',
      status,
      refusal,
      endedAt: Date.now(),
    });
  };

  const judge = (request: IncomingMessage, target: string): { host: string } | { status: number } => {
    if (handlers.credentials !== null && credentialsOf(request) !== handlers.credentials) {
      refuse(request, 407, 'credentials');
      return { status: 407 };
    }
    const [host = '', targetPort = ''] = target.split(':');
    if (isIP(host) !== 0 || !isPlayedHost(host.toLowerCase()) || targetPort !== '443') {
      refuse(request, 403, 'host');
      return { status: 403 };
    }
    if (handlers.unreachable.has(host.toLowerCase())) {
      refuse(request, 502, 'unreachable');
      return { status: 502 };
    }
    return { host: host.toLowerCase() };
  };

  const server: Server = createServer((request, response) => {
    // Plain http through a proxy comes as an absolute address; the real hosts all send it on to https.
    const url = URL.canParse(request.url ?? '') ? new URL(request.url ?? '') : null;
    const verdict = judge(request, `${url?.hostname ?? ''}:${url?.port === '' ? 443 : url?.port}`);
    if ('status' in verdict) response.writeHead(verdict.status).end();
    else response.writeHead(301, { location: (request.url ?? '').replace(/^http:/, 'https:') }).end();
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
  });
  server.on('clientError', (_error, socket) => socket.destroy());
  server.on('connect', (request, socket, head) => {
    const verdict = judge(request, request.url ?? '');
    if ('status' in verdict) {
      const ask = verdict.status === 407 ? 'Proxy-Authenticate: Basic realm="standin"\r\n' : '';
      socket.end(
        `HTTP/1.1 ${verdict.status} Refused\r\n${ask}Content-Length: 0\r\nConnection: close\r\n\r\n`,
      );
      return;
    }
    const raw = socket as Socket;
    const identity = credentialsOf(request)?.split(':')[0] ?? null;
    const reset = () => raw.resetAndDestroy();
    const open = (hello: Buffer) => {
      raw.unshift(hello);
      const options = { isServer: true, secureContext, ALPNProtocols: ['http/1.1'] };
      const secure = new TLSSocket(raw, options);
      tunnels.set(secure, { host: verdict.host, identity, proxy: index, tls: fingerprintOf(hello), reset });
      secure.on('error', () => secure.destroy());
      socket.on('close', () => secure.destroy());
      secure.once('secure', () => inner.emit('connection', secure));
    };
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    if (head.length > 0) open(head);
    else {
      raw.once('data', (hello: Buffer) => {
        raw.pause();
        open(hello);
      });
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const bound = (server.address() as AddressInfo).port;
  return {
    port: bound,
    url: `http://127.0.0.1:${bound}`,
    openConnections: () => sockets.size,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Headers as sent; several of one name joined. */
export function plain(headers: IncomingMessage['headers']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : `${value}`,
    ]),
  );
}
