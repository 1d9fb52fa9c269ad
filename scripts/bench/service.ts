/** The built service as it is served: scripts/serve.sh, default settings, its log in a file. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../test/helpers/service.ts';
import { onEnd } from './children.ts';
import type { BenchEnv } from './env.ts';

export interface BenchService {
  baseUrl: string;
  pid: number;
  /** From the start of the process until /health answered 200. */
  readyMs: number;
  stop(): Promise<unknown>;
}

const START_LIMIT_MS = 60_000;
const POLL_MS = 5;

export async function startService(
  { standin, serve }: Pick<BenchEnv, 'standin' | 'serve'>,
  settings: Readonly<Record<string, string>> = {},
): Promise<BenchService> {
  const port = await freePort();
  const baseUrl = `http://127.0.0.1:${port}`;
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  const logFile = join(folder, 'log');
  const out = openSync(logFile, 'w');
  const began = performance.now();
  const child = spawn('sh', [serve], {
    cwd: folder, // no .env is read from here
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      HOST: '127.0.0.1',
      PORT: String(port),
      BASE_URL: baseUrl,
      TEMP_DIR: folder,
      ENCRYPTION_KEY: 'a key for the benchmark alone, 4711',
      RATE_LIMIT_MAX: '0',
      PROXY_URLS: standin.proxyUrl,
      EXTRA_CA_CERTS: standin.caFile,
      ...settings,
    },
    stdio: ['ignore', out, out],
  });
  closeSync(out);
  const exited = once(child, 'exit');
  const stop = onEnd(async () => {
    child.kill('SIGTERM');
    const killTimer = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await exited;
    clearTimeout(killTimer);
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

async function isHealthy(baseUrl: string): Promise<boolean> {
  const response = await fetch(`${baseUrl}/health`).catch(() => null);
  await response?.arrayBuffer();
  return response?.ok ?? false;
}

export interface PostResponse {
  download_link: { no_watermark?: string };
  download_slideshow_link?: string;
}

/** POST /tiktok. @throws when the status is not 200 */
export async function post({ baseUrl }: BenchService, url: string): Promise<PostResponse> {
  const response = await fetch(`${baseUrl}/tiktok`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ url }),
  });
  if (response.status !== 200) throw new Error(`POST /tiktok answered ${response.status}`);
  return (await response.json()) as PostResponse;
}
