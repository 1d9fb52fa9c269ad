import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import http from 'node:http';
import https from 'node:https';
import net, { type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Authority, createAuthority } from '../helpers/standin/authority.ts';

export interface Seen {
  host: string;
  path: string;
  headers: IncomingMessage['headers'];
  /** End of the response, by performance.now(); 0 while it is under way. */
  closedAt: number;
  /** Bytes of body written to the socket. */
  sent: number;
}

export type Behaviour = (req: IncomingMessage, res: ServerResponse, seen: Seen) => void;

const HOSTS = ['*.tiktok.com', '*.tiktokcdn.com', '*.tiktokcdn-us.com', '*.douyinvod.com', 'localhost'];

/** A CDN whose hosts behave as scripted, behind an http, an https and a socks5 proxy. */
export class Upstream {
  readonly seen: Seen[] = [];
  /** `host:port` of every requested tunnel. */
  readonly tunnels: string[] = [];
  proxyAuthorization: string | undefined;
  readonly authority: Authority = createAuthority(HOSTS);
  proxy = '';
  secureProxy = '';
  socks = '';
  /** Of the https server itself. */
  port = 0;
  #scripts = new Map<string, Behaviour[]>();
  #servers: (Server | net.Server)[] = [];
  #sockets = new Set<Socket>();

  static async start(): Promise<Upstream> {
    const upstream = new Upstream();
    const tls = { cert: upstream.authority.leafPem, key: upstream.authority.leafKeyPem };
    const cdn = await upstream.#listen(https.createServer(tls, (req, res) => upstream.#serve(req, res)));
    upstream.port = cdn;
    const onConnect = (req: IncomingMessage, socket: Duplex) => {
      upstream.proxyAuthorization = req.headers['proxy-authorization'];
      upstream.tunnels.push(req.url ?? '');
      const onward = net.connect(cdn, '127.0.0.1', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
      join(socket, onward);
    };
    upstream.proxy = `http://127.0.0.1:${await upstream.#listen(http.createServer().on('connect', onConnect))}`;
    const secure = https.createServer(tls).on('connect', onConnect);
    upstream.secureProxy = `https://localhost:${await upstream.#listen(secure)}`;
    const socks = net.createServer((socket) => void upstream.#socks(socket, cdn));
    upstream.socks = `socks5://127.0.0.1:${await upstream.#listen(socks)}`;
    return upstream;
  }

  /** Sets what a host does, one behaviour for each request; the last one stays. */
  script(host: string, ...behaviours: Behaviour[]): void {
    this.#scripts.set(host, behaviours);
  }

  reset(): void {
    this.#scripts.clear();
    this.seen.length = 0;
    this.tunnels.length = 0;
  }

  async stop(): Promise<void> {
    for (const server of this.#servers) server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #serve(req: IncomingMessage, res: ServerResponse): void {
    const host = req.headers.host ?? '';
    const seen: Seen = { host, path: req.url ?? '', headers: req.headers, closedAt: 0, sent: 0 };
    this.seen.push(seen);
    res.once('close', () => {
      seen.closedAt = performance.now();
    });
    const script = this.#scripts.get(host) ?? [];
    const behaviour = script.length > 1 ? script.shift() : script[0];
    if (behaviour) behaviour(req, res, seen);
    else res.writeHead(404).end();
  }

  async #socks(socket: Socket, cdn: number): Promise<void> {
    socket.on('error', () => {});
    await once(socket, 'readable');
    socket.read();
    socket.write(Buffer.from([5, 0]));
    await once(socket, 'readable');
    const request: Buffer = socket.read();
    const length = request[4] ?? 0;
    this.tunnels.push(`${request.toString('latin1', 5, 5 + length)}:${request.readUInt16BE(5 + length)}`);
    const onward = net.connect(cdn, '127.0.0.1', () => {
      socket.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
      join(socket, onward);
    });
  }

  async #listen(server: Server | net.Server): Promise<number> {
    this.#servers.push(server);
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }
}

function join(one: Duplex, other: Duplex): void {
  one.pipe(other).pipe(one);
  one.on('error', () => other.destroy()).on('close', () => other.destroy());
  other.on('error', () => one.destroy()).on('close', () => one.destroy());
}

export interface Serving {
  etag?: string | null;
  lastModified?: string;
  type?: string;
  /** Answers 200 with the whole file to any request. */
  ignoreRange?: boolean;
  /** Breaks the connection, or sends nothing more, after this many bytes of the response. */
  cutAfter?: number;
  stallAfter?: number;
  /** Without Content-Length. */
  chunked?: boolean;
  headers?: Record<string, string>;
}

/** Serves a file as a CDN does, with the given faults. */
export function serve(file: Buffer, options: Serving = {}): Behaviour {
  const { etag = '"v1"', lastModified = 'Tue, 06 Jan 2026 08:00:00 GMT', type = 'video/mp4' } = options;
  return (req, res, seen) => {
    const match = /^bytes=(\d+)-(\d*)$/.exec(req.headers.range ?? '');
    const ifRange = req.headers['if-range'];
    const holds = ifRange === undefined || ifRange === etag || ifRange === lastModified;
    const partial = match !== null && !options.ignoreRange && holds;
    const start = partial ? Number(match[1]) : 0;
    const end = partial && match[2] ? Math.min(Number(match[2]), file.length - 1) : file.length - 1;
    const part = file.subarray(start, end + 1);
    res.writeHead(partial ? 206 : 200, {
      'content-type': type,
      ...(options.chunked ? {} : { 'content-length': part.length }),
      ...(partial ? { 'content-range': `bytes ${start}-${end}/${file.length}` } : {}),
      ...(etag === null ? {} : { etag }),
      'last-modified': lastModified,
      ...options.headers,
    });
    const breakAt = Math.min(options.cutAfter ?? part.length, options.stallAfter ?? part.length);
    const sending = part.subarray(0, breakAt);
    if (breakAt === part.length) return void pour(res, sending, seen, () => res.end());
    pour(res, sending, seen, () => {
      if (options.cutAfter !== undefined) setTimeout(() => res.socket?.destroy(), 5);
    });
  };
}

function pour(res: ServerResponse, bytes: Buffer, seen: Seen, done: () => void): void {
  res.flushHeaders();
  let at = 0;
  const more = (): void => {
    while (at < bytes.length) {
      const chunk = bytes.subarray(at, at + 65536);
      at += chunk.length;
      seen.sent += chunk.length;
      if (!res.write(chunk)) return void res.once('drain', more);
    }
    done();
  };
  more();
}

export function status(code: number, headers: Record<string, string> = {}, body = ''): Behaviour {
  return (_req, res) => res.writeHead(code, headers).end(body);
}

/** A file that starts like an MP4, the same for the same seed. */
export function mp4Bytes(length: number, seed = 1): Buffer {
  const file = Buffer.alloc(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    file[i] = state >>> 16;
  }
  Buffer.from('0000002066747970697336d6000002006973366d69736f32617663316d703431', 'hex').copy(file);
  file.write('isom', 8);
  return file;
}
