import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from '../helpers/processes.ts';
import { freePort } from '../helpers/service.ts';

const CONF_DIR = fileURLToPath(new URL('../../deploy/nginx', import.meta.url));
/** Debian installs nginx in /usr/sbin, which a user's PATH does not have. */
const PATH = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;
/** Header with the address that the configuration sees as the client's. */
export const CLIENT_HEADER = 'x-test-client';

export interface AccessLine {
  requestId: string;
  client: string;
  request: string;
  status: number;
  /** host:port of every instance that was tried, in order. */
  upstreams: string[];
}

export interface Nginx {
  baseUrl: string;
  /** Of the master; its workers are its children. */
  pid: number;
  log(): AccessLine[];
  rawLog(): string;
  stop(): Promise<void>;
}

/** Version of the installed nginx; null, with a warning, where there is none. */
export function nginxVersion(): string | null {
  try {
    const said = execFileSync('sh', ['-c', 'nginx -v 2>&1'], {
      encoding: 'utf8',
      env: { ...process.env, PATH },
    });
    return /nginx\/(\S+)/.exec(said)?.[1] ?? null;
  } catch {
    console.warn('skipped: nginx is not installed (Debian: apt-get install nginx)');
    return null;
  }
}

/** Where nginx finds the CDN of a test. */
export interface CdnForNginx {
  /** Of a DNS server on 127.0.0.1. */
  dnsPort: number;
  /** Instead of 443. */
  port: number;
  caFile: string;
}

/**
 * Runs the files of deploy/nginx with the test's addresses and folders.
 * @param ports of the instances on 127.0.0.1
 */
export async function startNginx(ports: readonly number[], port?: number, cdn?: CdnForNginx): Promise<Nginx> {
  const listen = port ?? (await freePort());
  const dir = mkdtempSync(join(tmpdir(), 'nginx-'));
  // Started by root, nginx has workers of another user.
  chmodSync(dir, 0o755);
  mkdirSync(join(dir, 'operator'));
  for (const name of ['http.conf', 'server.conf']) cpSync(join(CONF_DIR, name), join(dir, name));
  const delivery = readFileSync(join(CONF_DIR, 'delivery.conf'), 'utf8');
  writeFileSync(
    join(dir, 'delivery.conf'),
    cdn
      ? delivery
          .replace('https://$media_host$', `https://$media_host:${cdn.port}$`)
          .replace('/etc/ssl/certs/ca-certificates.crt', cdn.caFile)
      : delivery,
  );
  // `resolve` needs nginx 1.27.3 and Docker's DNS.
  const servers = ports.map((instance) => `server 127.0.0.1:${instance} max_fails=0;`).join('\n  ');
  const upstreams = readFileSync(join(CONF_DIR, 'upstreams.conf'), 'utf8')
    .replace(/^resolver .*$/m, cdn ? `resolver 127.0.0.1:${cdn.dnsPort} ipv6=off;` : '')
    .replaceAll('server instance:3021 resolve max_fails=0;', servers);
  writeFileSync(join(dir, 'upstreams.conf'), upstreams);
  writeFileSync(
    join(dir, 'operator/real-ip.conf'),
    `set_real_ip_from 127.0.0.1;\nreal_ip_header ${CLIENT_HEADER};\n`,
  );
  const hasIpv6 = Object.values(networkInterfaces())
    .flat()
    .some((one) => one?.address === '::1');
  const conf = readFileSync(join(CONF_DIR, 'nginx.conf'), 'utf8')
    .replaceAll('/tmp/', `${dir}/`)
    .replace('/dev/stderr', join(dir, 'error.log'))
    .replace('/dev/stdout', join(dir, 'access.log'))
    .replace('listen 8080', `listen 127.0.0.1:${listen}`)
    .replace(/listen \[::\]:8080[^\n]*/, hasIpv6 ? `listen [::1]:${listen};` : '');
  writeFileSync(join(dir, 'nginx.conf'), conf);
  const output = openSync(join(dir, 'output.log'), 'w');
  const child = spawn('nginx', ['-p', dir, '-c', join(dir, 'nginx.conf'), '-g', 'daemon off;'], {
    env: { PATH },
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  const baseUrl = `http://127.0.0.1:${listen}`;
  await answering(baseUrl, child, () => readFileSync(join(dir, 'output.log'), 'utf8'));
  const rawLog = () => readFileSync(join(dir, 'access.log'), 'utf8');
  return {
    baseUrl,
    pid: child.pid ?? 0,
    rawLog,
    log: () => rawLog().split('\n').flatMap(parse),
    async stop() {
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      await gone;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function answering(baseUrl: string, child: ChildProcess, output: () => string): Promise<void> {
  const up = () =>
    fetch(`${baseUrl}/metrics`).then(
      async (answer) => {
        await answer.arrayBuffer();
        return true;
      },
      () => false,
    );
  const came = await until(async () => child.exitCode !== null || (await up()), 15_000);
  if (!came || child.exitCode !== null) throw new Error(`nginx did not start: ${output()}`);
}

function parse(line: string): AccessLine[] {
  const match = /^\S+ (\S+) (\S+) "([^"]*)" (\d+) .* upstream=(.*) status=/.exec(line);
  if (!match) return [];
  const [, requestId = '', client = '', request = '', status, upstreams = ''] = match;
  return [{ requestId, client, request, status: Number(status), upstreams: upstreams.split(', ') }];
}
