import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Standin } from './standin/index.ts';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
/** ENCRYPTION_KEY of every service that is not given another. */
export const KEY = 'a key that only the tests know 4711';
/** Instead of a developer's .env. */
const NO_DOTENV = '/dev/null';
const START_LIMIT_MS = 30_000;

export interface Service {
  baseUrl: string;
  pid: number;
  /** TEMP_DIR of this service alone; gone after `stop`. */
  tempDir: string;
  /** Lines of the log so far, parsed. */
  log: Record<string, unknown>[];
  /** POST /tiktok. */
  post(
    url: unknown,
    headers?: Record<string, string>,
  ): Promise<{ status: number; body: Body; headers: Headers }>;
  /** SIGTERM, and the exit code. */
  stop(): Promise<number | null>;
  kill(signal: NodeJS.Signals): void;
  exited: Promise<number | null>;
}

export type Body = Record<string, unknown> & {
  code?: string;
  status?: string;
  download_link?: Record<string, string | string[]>;
};

/**
 * Starts the built service as an operator would, against a stand-in or whatever the environment says.
 * @param main a module, or the shell script that starts one
 */
export async function startService(
  standin: Standin | null,
  env: Readonly<Record<string, string>> = {},
  main = MAIN,
): Promise<Service> {
  const port = await freePort();
  const baseUrl = `http://127.0.0.1:${port}`;
  const tempDir = mkdtempSync(join(tmpdir(), 'service-'));
  const child = spawn(main.endsWith('.sh') ? 'sh' : process.execPath, [main], {
    cwd: tempDir,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      HOST: '127.0.0.1',
      PORT: String(port),
      BASE_URL: baseUrl,
      TEMP_DIR: tempDir,
      ENCRYPTION_KEY: KEY,
      RATE_LIMIT_MAX: '0',
      DOWNLOADS_PER_MINUTE: '0',
      DOWNLOADS_AT_ONCE: '0',
      DOTENV_CONFIG_PATH: NO_DOTENV,
      ...(standin && { PROXY_URLS: standin.proxyUrl, EXTRA_CA_CERTS: standin.caFile }),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  const log = collectLog(child);
  try {
    await listening(log, exited);
  } catch (error) {
    child.kill('SIGKILL');
    rmSync(tempDir, { recursive: true, force: true });
    throw error;
  }
  const stop = async () => {
    child.kill('SIGTERM');
    const code = await exited;
    rmSync(tempDir, { recursive: true, force: true });
    return code;
  };
  return {
    baseUrl,
    pid: child.pid ?? 0,
    tempDir,
    log,
    exited,
    stop,
    kill: (signal) => child.kill(signal),
    async post(url, headers = {}) {
      const response = await fetch(`${baseUrl}/tiktok`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ url }),
      });
      return { status: response.status, headers: response.headers, body: (await response.json()) as Body };
    },
  };
}

/** A start that is to fail: what it printed and its exit code. */
export async function failStart(
  env: Readonly<Record<string, string>>,
): Promise<{ code: number | null; output: string }> {
  const tempDir = mkdtempSync(join(tmpdir(), 'service-'));
  const child = spawn(process.execPath, [MAIN], {
    cwd: tempDir,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      TEMP_DIR: tempDir,
      PORT: '0',
      HOST: '127.0.0.1',
      DOTENV_CONFIG_PATH: NO_DOTENV,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  const limit = setTimeout(() => child.kill('SIGKILL'), START_LIMIT_MS);
  const [code] = (await once(child, 'exit')) as [number | null];
  clearTimeout(limit);
  rmSync(tempDir, { recursive: true, force: true });
  return { code, output };
}

function collectLog(child: ChildProcess): Record<string, unknown>[] {
  const lines: Record<string, unknown>[] = [];
  for (const input of [child.stdout, child.stderr]) {
    if (!input) continue;
    createInterface({ input }).on('line', (line) => {
      try {
        lines.push(JSON.parse(line));
      } catch {
        lines.push({ msg: line });
      }
    });
  }
  return lines;
}

async function listening(log: Record<string, unknown>[], exited: Promise<number | null>): Promise<void> {
  const limit = Date.now() + START_LIMIT_MS;
  let ended = false;
  void exited.then(() => {
    ended = true;
  });
  while (!log.some((line) => String(line.msg).startsWith('Server listening'))) {
    if (ended || Date.now() > limit) throw new Error(`the service did not start: ${JSON.stringify(log)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
