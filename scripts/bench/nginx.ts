import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../test/helpers/service.ts';

/** One address at the CDN and what a browser would send along. */
export interface CdnAddress {
  url: URL;
  cookie: string;
  referer: string;
}

export interface Nginx {
  pid: number;
  /** Where it relays that one address, byte for byte. */
  linkTo(address: CdnAddress): string;
  stop(): Promise<void>;
}

const BINARY = '/usr/sbin/nginx';

/**
 * nginx as a plain relay (`proxy_pass`) of one CDN host, one process, nothing on disk; null where it is not installed.
 * It cannot speak CONNECT, so a bridge in this process does that for it: its TLS ends where the service's does, in
 * the same stand-in, and what the bridge costs is not counted as nginx's.
 */
export async function startNginx(proxyUrl: string, caFile: string, host: string): Promise<Nginx | null> {
  if (!existsSync(BINARY)) return null;
  const bridge = await startBridge(proxyUrl, host);
  const { port: bridgePort } = bridge.address() as { port: number };
  const folder = await mkdtemp(join(tmpdir(), 'bench-nginx-'));
  const port = await freePort();
  await writeFile(join(folder, 'nginx.conf'), configuration({ port, bridgePort, caFile, host, folder }));
  const child = spawn(BINARY, ['-p', folder, '-c', join(folder, 'nginx.conf')], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  await listening(child, port);
  return {
    pid: child.pid ?? 0,
    linkTo: ({ url }) => `http://127.0.0.1:${port}${url.pathname}${url.search}`,
    async stop() {
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      await gone;
      bridge.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function configuration(o: {
  port: number;
  bridgePort: number;
  caFile: string;
  host: string;
  folder: string;
}) {
  return `
daemon off; master_process off; pid ${o.folder}/pid; error_log stderr error;
events { worker_connections 1024; }
http {
  access_log off; sendfile on; tcp_nopush on;
  client_body_temp_path ${o.folder}/b; proxy_temp_path ${o.folder}/p; fastcgi_temp_path ${o.folder}/f;
  uwsgi_temp_path ${o.folder}/u; scgi_temp_path ${o.folder}/s;
  server {
    listen 127.0.0.1:${o.port};
    location / {
      proxy_pass https://127.0.0.1:${o.bridgePort};
      proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Host ${o.host};
      proxy_ssl_server_name on; proxy_ssl_name ${o.host};
      proxy_ssl_verify on; proxy_ssl_trusted_certificate ${o.caFile};
      proxy_ssl_protocols TLSv1.2 TLSv1.3;
      proxy_buffering on; proxy_buffers 8 32k; proxy_busy_buffers_size 64k; proxy_max_temp_file_size 0;
    }
  }
}
`;
}

/** TCP in, a tunnel through the proxy to `host` out. */
async function startBridge(proxyUrl: string, host: string): Promise<Server> {
  const proxy = new URL(proxyUrl);
  const server = createServer((inside: Socket) => {
    const outside = connect(Number(proxy.port), proxy.hostname);
    const end = () => {
      inside.destroy();
      outside.destroy();
    };
    for (const socket of [inside, outside]) socket.on('error', end).on('close', end);
    inside.pause();
    outside.write(`CONNECT ${host}:443 HTTP/1.1\r\nHost: ${host}:443\r\n\r\n`);
    // The stand-in answers with one line and an empty one, alone in its packet: TLS servers do not speak first.
    outside.once('data', () => {
      inside.pipe(outside);
      outside.pipe(inside);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function listening(child: ChildProcess, port: number): Promise<void> {
  for (let attempt = 0; attempt < 100 && child.exitCode === null; attempt++) {
    const socket = connect(port, '127.0.0.1');
    const open = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('nginx did not start');
}
