/** The built service, as scripts/serve.sh starts it: default settings, its log written to a file. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../test/helpers/service.ts';
import type { StandinHello } from './standin-process.ts';
import { started } from './started.ts';

export interface BenchService {
  baseUrl: string;
  pid: number;
  /** From the start of the process until /health answered 200. */
  readyMs: number;
  stop(): Promise<unknown>;
}

const START_LIMIT_MS = 60_000;
const POLL_MS = 5;
const SERVE = fileURLToPath(new URL('../serve.sh', import.meta.url));

export interface ServiceOptions {
  env?: Readonly<Record<string, string>>;
  /** Another build than this checkout's; to compare two. */
  main?: string;
  nodeOptions?: readonly string[];
}

export async function startService(
  standin: StandinHello,
  { env = {}, main, nodeOptions = [] }: ServiceOptions = {},
): Promise<BenchService> {
  const port = await freePort();
  const baseUrl = `http://127.0.0.1:${port}`;
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  const logFile = join(folder, 'log');
  const out = openSync(logFile, 'w');
  const began = performance.now();
  const [program, args] = main ? [process.execPath, [...nodeOptions, main]] : ['sh', [SERVE]];
  const child = spawn(program, args, {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      HOST: '127.0.0.1',
      PORT: String(port),
      BASE_URL: baseUrl,
      TEMP_DIR: folder,
      ENCRYPTION_KEY: 'a key for the benchmark alone, 4711',
      RATE_LIMIT_MAX: '0',
      DOWNLOADS_PER_MINUTE: '0',
      DOWNLOADS_AT_ONCE: '0',
      DOTENV_CONFIG_PATH: '/dev/null',
      PROXY_URLS: standin.proxyUrl,
      EXTRA_CA_CERTS: standin.caFile,
      ...env,
    },
    stdio: ['ignore', out, out],
  });
  closeSync(out);
  const gone = once(child, 'exit');
  const stop = started(async () => {
    child.kill('SIGTERM');
    const impatience = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await gone;
    clearTimeout(impatience);
    rmSync(folder, { recursive: true, force: true });
  });
  while (!(await isHealthy(baseUrl))) {
    if (child.exitCode !== null || performance.now() - began > START_LIMIT_MS) {
      const log = readFileSync(logFile, 'utf8');
      await stop();
      throw new Error(`the service did not start: ${log.slice(-2000)}`);
    }
    await sleep(POLL_MS);
  }
  return { baseUrl, pid: child.pid ?? 0, readyMs: performance.now() - began, stop };
}

function isHealthy(baseUrl: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(`${baseUrl}/health`, { agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on('error', () => resolve(false));
  });
}
