/** The examples of TLS and real addresses: nginx of the system, nginx of Compose, Caddy. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { request as requestTls } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CLOUDFLARE } from '../../src/http/cloudflare.ts';
import { until } from '../helpers/processes.ts';
import { freePort } from '../helpers/service.ts';
import { nginxVersion } from './nginx.ts';

const DEPLOY = fileURLToPath(new URL('../../deploy', import.meta.url));
const PATH = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;
const has = (command: string, ...args: string[]) => {
  try {
    execFileSync(command, args, { stdio: 'ignore', env: { ...process.env, PATH } });
    return true;
  } catch {
    return false;
  }
};
const hasCaddy = has('caddy', 'version');
const hasNginx = nginxVersion() !== null && has('openssl', 'version');
if (!hasCaddy) console.warn('skipped: caddy is not installed (Debian: apt-get install caddy)');

let instance: Server;
let port: number;
let requests: IncomingMessage['headers'][] = [];
let respond: (request: IncomingMessage, response: ServerResponse) => void;
let dir: string;
let child: ChildProcess | null = null;

beforeAll(async () => {
  instance = createServer((request, response) => {
    requests.push(request.headers);
    respond(request, response);
  });
  instance.listen(0, '127.0.0.1');
  await once(instance, 'listening');
  port = (instance.address() as AddressInfo).port;
});

afterAll(() => {
  instance.closeAllConnections();
  instance.close();
});

beforeEach(() => {
  requests = [];
  respond = (_request, response) => response.end('from the instance');
  dir = mkdtempSync(join(tmpdir(), 'front-'));
  // Started by root, nginx has workers of another user.
  chmodSync(dir, 0o755);
});

afterEach(async () => {
  if (child && child.exitCode === null) {
    const gone = once(child, 'exit');
    // nginx ends its workers on SIGTERM; Caddy would wait for connections.
    child.kill(child.spawnfile === 'caddy' ? 'SIGKILL' : 'SIGTERM');
    await gone;
  }
  child = null;
  rmSync(dir, { recursive: true, force: true });
});

async function start(command: string, args: string[], listening: number): Promise<void> {
  let output = '';
  child = spawn(command, args, {
    env: { ...process.env, PATH, HOME: dir },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      output += String(chunk);
    });
  }
  const listens = () =>
    new Promise<boolean>((resolve) => {
      const probe = createTcpServer();
      probe.once('error', () => resolve(true));
      probe.listen(listening, '127.0.0.1', () => probe.close(() => resolve(false)));
    });
  const up = await until(async () => child?.exitCode !== null || (await listens()), 15_000);
  if (!up || child.exitCode !== null) throw new Error(`${command} did not start: ${output}`);
}

function certificate(): { cert: string; key: string } {
  const [cert, key] = [join(dir, 'fullchain.pem'), join(dir, 'privkey.pem')];
  const subject = ['-subj', '/CN=downloads.example.com', '-days', '1', '-nodes'];
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      ...subject,
      '-keyout',
      key,
      '-out',
      cert,
    ],
    { stdio: 'ignore' },
  );
  return { cert, key };
}

/** GET over TLS, without checking the certificate. */
function get(tlsPort: number, path: string, headers: Record<string, string> = {}): Promise<[number, string]> {
  return new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port: tlsPort,
      path,
      headers,
      rejectUnauthorized: false,
      servername: 'downloads.example.com',
    };
    const request = requestTls(options, async (response) => {
      let body = '';
      for await (const chunk of response) body += String(chunk);
      resolve([response.statusCode ?? 0, body]);
    });
    request.on('error', reject).end();
  });
}

/** The files of deploy/nginx in the folder, with `main` as nginx.conf. */
function nginxFolder(main: string, files: Record<string, string>): string[] {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(dir, name, '..'), { recursive: true });
    writeFileSync(join(dir, name), content);
  }
  writeFileSync(join(dir, 'nginx.conf'), main);
  return ['-p', dir, '-c', join(dir, 'nginx.conf'), '-g', 'daemon off;'];
}

const nginxFile = (name: string) => readFileSync(join(DEPLOY, 'nginx', name), 'utf8');

describe.skipIf(!hasNginx)('examples/bare-metal.conf', () => {
  it('serves over TLS in an nginx of the system, and redirects to it', async () => {
    const [httpPort, tlsPort] = [await freePort(), await freePort()];
    const { cert, key } = certificate();
    const site = nginxFile('examples/bare-metal.conf')
      .replace('listen 80;', `listen 127.0.0.1:${httpPort};`)
      .replace('listen [::]:80;', '')
      .replace('listen 443 ssl http2;', `listen 127.0.0.1:${tlsPort} ssl http2;`)
      .replace('listen [::]:443 ssl http2;', '')
      .replace(/\/etc\/letsencrypt\/\S+fullchain.pem/, cert)
      .replace(/\/etc\/letsencrypt\/\S+privkey.pem/, key)
      .replaceAll('/var/log/nginx/', `${dir}/`)
      .replaceAll('server 127.0.0.1:3021', `server 127.0.0.1:${port}`);
    // As Debian's nginx.conf includes a site.
    const main = `pid ${dir}/nginx.pid;\nerror_log ${dir}/error.log;\nevents {}\nhttp {\n  gzip on;\n  access_log off;\n${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `  ${name}_temp_path ${dir}/${name};\n`).join('')}  include sites-enabled/*;\n}\n`;
    const args = nginxFolder(main, {
      'sites-enabled/tiktok-downloader': site,
      'tiktok-downloader/http.conf': nginxFile('http.conf'),
      'tiktok-downloader/server.conf': nginxFile('server.conf'),
    });
    await start('nginx', args, tlsPort);
    expect(await get(tlsPort, '/', { 'x-forwarded-for': '203.0.113.9' })).toEqual([200, 'from the instance']);
    expect(requests[0]).toMatchObject({ 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'https' });
    const plain = await fetch(`http://127.0.0.1:${httpPort}/tiktok`, { redirect: 'manual' });
    expect([plain.status, plain.headers.get('location')]).toEqual([301, 'https://127.0.0.1/tiktok']);
    expect(existsSync(join(dir, 'tiktok-downloader.log'))).toBe(true);
  });
});

describe.skipIf(!hasNginx)('the nginx of Compose with the operator’s files', () => {
  /** Its files, with those of the operator. */
  function composeFolder(plainPort: number, operator: Record<string, string>): string[] {
    const upstreams = nginxFile('upstreams.conf')
      .replace(/^resolver .*$/m, '')
      .replaceAll('instance:3021 resolve', `127.0.0.1:${port}`);
    const main = nginxFile('nginx.conf')
      .replaceAll('/tmp/', `${dir}/`)
      .replace('/dev/stderr', `${dir}/error.log`)
      .replace('/dev/stdout', `${dir}/access.log`)
      .replace('listen 8080', `listen 127.0.0.1:${plainPort}`)
      .replace(/listen \[::\]:8080[^\n]*/, '');
    return nginxFolder(main, {
      'http.conf': nginxFile('http.conf'),
      'server.conf': nginxFile('server.conf'),
      'delivery.conf': nginxFile('delivery.conf'),
      'upstreams.conf': upstreams,
      ...operator,
    });
  }

  it.each([
    ['knows Cloudflare with examples/cloudflare.conf', true],
    ['tells the service what it does not believe without it', false],
  ])('%s', async (_, knows) => {
    const plainPort = await freePort();
    const cloudflare = nginxFile('examples/cloudflare.conf').replace('173.245.48.0/20', '127.0.0.0/8');
    await start(
      'nginx',
      composeFolder(plainPort, knows ? { 'operator/cloudflare.conf': cloudflare } : {}),
      plainPort,
    );
    const visitor = '198.51.100.7';
    const headers = { 'x-forwarded-for': visitor, 'cf-connecting-ip': visitor };
    await fetch(`http://127.0.0.1:${plainPort}/`, { headers });
    expect(requests).toEqual([
      expect.objectContaining({
        'x-forwarded-for': knows ? visitor : '127.0.0.1',
        'x-unverified-forwarded-for': visitor,
        'cf-connecting-ip': visitor,
      }),
    ]);
  });

  it('serves over TLS, and believes the proxy in front about its clients', async () => {
    const [plainPort, tlsPort] = [await freePort(), await freePort()];
    const { cert, key } = certificate();
    const tls = nginxFile('examples/tls.conf')
      .replace('listen 8443 ssl;', `listen 127.0.0.1:${tlsPort} ssl;`)
      .replace('listen [::]:8443 ssl;', '')
      .replace('/etc/nginx/tls/fullchain.pem', cert)
      .replace('/etc/nginx/tls/privkey.pem', key);
    const realIp = nginxFile('examples/real-ip.conf').replace('172.16.0.0/12', '127.0.0.0/8');
    const args = composeFolder(plainPort, {
      'operator/real-ip.conf': realIp,
      'operator/server/tls.conf': tls,
    });
    await start('nginx', args, tlsPort);
    // The limit is 60 requests at once for one client.
    const clients = Array.from({ length: 90 }, (_, i) => `198.51.100.${i}`);
    const post = (client: string) =>
      fetch(`http://127.0.0.1:${plainPort}/tiktok`, {
        method: 'POST',
        headers: { 'x-forwarded-for': `203.0.113.66, ${client}` },
      });
    const statuses = await Promise.all(clients.map(async (client) => (await post(client)).status));
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(requests.map((headers) => headers['x-forwarded-for']).sort()).toEqual(clients.sort());
    expect(await get(tlsPort, '/')).toEqual([200, 'from the instance']);
  });
});

it('the lists of Cloudflare’s networks are that of TRUST_PROXY', () => {
  for (const file of ['caddy/cloudflare.conf', 'nginx/examples/cloudflare.conf']) {
    const text = readFileSync(join(DEPLOY, file), 'utf8');
    expect(text).toContain(CLOUDFLARE.asOf);
    expect(text.match(/[\da-f.:]+\/\d+\b/g)).toEqual(CLOUDFLARE.networks);
  }
});

/** @param more lines inside `reverse_proxy` */
async function startCaddy(more = ''): Promise<string> {
  const listening = await freePort();
  const front = `http://127.0.0.1:${listening}`;
  const config = readFileSync(join(DEPLOY, 'caddy/Caddyfile'), 'utf8')
    .replace(/^downloads\.example\.com/m, front)
    .replace('127.0.0.1:3021 {', `127.0.0.1:${port} {\n${more}`)
    .replace('/var/log/caddy/', `${dir}/`);
  writeFileSync(join(dir, 'Caddyfile'), `{\n\tadmin off\n\tauto_https off\n}\n${config}`);
  await start('caddy', ['run', '--config', join(dir, 'Caddyfile'), '--adapter', 'caddyfile'], listening);
  return front;
}

it.skipIf(!hasCaddy)('Caddy passes on what Cloudflare says with cloudflare.conf', async () => {
  const list = readFileSync(join(DEPLOY, 'caddy/cloudflare.conf'), 'utf8');
  writeFileSync(join(dir, 'cloudflare.conf'), list.replace('173.245.48.0/20', '127.0.0.0/8'));
  const front = await startCaddy('import cloudflare.conf');
  await fetch(front, { headers: { 'x-forwarded-for': '198.51.100.7' } });
  expect(requests[0]?.['x-forwarded-for']).toBe('198.51.100.7, 127.0.0.1');
});

describe.skipIf(!hasCaddy)('Caddyfile', () => {
  let front: string;

  beforeEach(async () => {
    front = await startCaddy();
  });

  it('replaces X-Forwarded-For and answers 404 for /metrics', async () => {
    const answer = await fetch(front, { headers: { 'x-forwarded-for': '203.0.113.9' } });
    expect([answer.status, await answer.text()]).toEqual([200, 'from the instance']);
    expect(requests[0]).toMatchObject({ 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'http' });
    expect((await fetch(`${front}/metrics`)).status).toBe(404);
    expect(requests).toHaveLength(1);
  });

  it.each(['video/mp4', 'text/event-stream'])('passes %s on at once', async (type) => {
    let more: ServerResponse | null = null;
    respond = (_request, response) => {
      response.setHeader('content-type', type).write('x'.repeat(40_000));
      more = response;
    };
    const reader = (await fetch(`${front}/stream`)).body?.getReader();
    expect((await reader?.read())?.value?.length).toBeGreaterThan(1000);
    (more as ServerResponse | null)?.end();
    await reader?.cancel();
  });

  it('closes the connection to the instance when the client leaves', async () => {
    let closed = false;
    respond = (_request, response) => {
      response.setHeader('content-type', 'video/mp4');
      const writing = setInterval(() => response.write(Buffer.alloc(64 * 1024)), 20);
      response.once('close', () => {
        clearInterval(writing);
        closed = true;
      });
    };
    const leaving = new AbortController();
    const answer = await fetch(`${front}/stream`, { signal: leaving.signal });
    await answer.body?.getReader().read();
    leaving.abort();
    expect(await until(() => closed, 5000)).toBe(true);
  });

  it('logs no link', async () => {
    await fetch(`${front}/stream?data=SECRET-TOKEN`);
    const log = join(dir, 'tiktok-downloader.log');
    expect(await until(() => existsSync(log) && readFileSync(log, 'utf8').includes('/stream'), 5000)).toBe(
      true,
    );
    expect(readFileSync(log, 'utf8')).not.toContain('SECRET-TOKEN');
  });
});
