import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import type { Engine } from '../engine/index.ts';
import type { ErrorCode } from '../errors.ts';
import type { PostLink } from '../posts/url.ts';
import { Connection } from './connection.ts';
import { HostProcess } from './host-process.ts';
import { WorkerPool } from './pool.ts';
import type { WorkerResult } from './worker.ts';

/** Default of `startLimitMs`; a working engine starts in less than a second. */
const START_LIMIT_MS = 20_000;

/** A rehearsal takes some 3 ms. A child works for 2000 jobs: what breaks it sooner should do so here. */
const SOAK_JOBS = 600;
const SOAK_LIMIT_MS = 60_000;
/** Caches are filled by then. */
const WARM_JOBS = 100;
/** Over the jobs after that. yt-dlp's own growth is below one megabyte. */
const MAX_GROWTH_BYTES = 48 * 1024 * 1024;

export interface VerificationOptions {
  engine: Engine;
  /** A folder for the socket. */
  runDir: string;
  cookiesPath: string;
  caFile: string | null;
  log: Logger;
  /** A post to fetch for real, and how; null leaves that out. */
  canary: { link: PostLink; proxy: string | null; timeoutMs: number } | null;
  /** Milliseconds in which the host has to start. */
  startLimitMs?: number;
}

export type Verification =
  | { ok: true; impersonation: boolean; soakSeconds: number; canary: 'ok' | ErrorCode | null }
  | { ok: false; why: string };

/**
 * Tries an engine as the service would use it, without any visitor: starts a host, shakes hands, has one child read a
 * page made up for it again and again, and fetches the canary's post. What it finds of the canary is only reported:
 * whether the engine is to blame shows a comparison with another one.
 */
export async function verifyEngine(options: VerificationOptions): Promise<Verification> {
  const { engine, runDir, cookiesPath, caFile, log, startLimitMs = START_LIMIT_MS } = options;
  const host = new HostProcess({ engine, runDir, cookiesPath, caFile, log, socketName: 'proof.sock' });
  let late = false;
  const impatience = setTimeout(() => {
    late = true;
    // Ending the host makes its start fail.
    void host.close();
  }, startLimitMs);
  try {
    const hello = await host.start();
    clearTimeout(impatience);
    const began = Date.now();
    await soak(host.socketPath);
    const soakSeconds = (Date.now() - began) / 1000;
    const canary = options.canary && (await fetchCanary(host.socketPath, options.canary, log));
    return { ok: true, impersonation: hello.impersonation, soakSeconds, canary };
  } catch (error) {
    const why = late ? `it does not start within ${startLimitMs / 1000} seconds` : messageOf(error);
    return { ok: false, why };
  } finally {
    clearTimeout(impatience);
    await host.close();
  }
}

async function soak(socketPath: string): Promise<void> {
  const child = await Connection.open(socketPath);
  const limit = setTimeout(() => child.close(), SOAK_LIMIT_MS);
  let warm = 0;
  let done = 0;
  try {
    for (; done < SOAK_JOBS; done += 1) {
      if (done === WARM_JOBS) warm = residentBytes(child.hello.pid);
      const reply = await child.request({
        op: 'rehearse',
        platform: 'tiktok',
        url: 'rehearsal',
        timeout: 10,
        proxy: null,
      });
      if (!reply.ok) throw new Error(reply.failure.message);
    }
  } catch (error) {
    throw new Error(`rehearsal ${done + 1} of ${SOAK_JOBS} failed: ${messageOf(error)}`, { cause: error });
  } finally {
    clearTimeout(limit);
  }
  const growth = residentBytes(child.hello.pid) - warm;
  child.close();
  if (growth > MAX_GROWTH_BYTES) {
    throw new Error(
      `a child grew by ${Math.round(growth / 1024 / 1024)} MB over ${SOAK_JOBS - WARM_JOBS} jobs`,
    );
  }
}

async function fetchCanary(
  socketPath: string,
  { link, proxy, timeoutMs }: NonNullable<VerificationOptions['canary']>,
  log: Logger,
): Promise<'ok' | ErrorCode> {
  const pool = new WorkerPool(1, { timeoutMs }, log);
  try {
    let result: WorkerResult | null = null;
    for (let attempt = 0; attempt < 2 && !result?.ok; attempt += 1) {
      result = await pool.run({ socketPath, link, proxy, egress: 'proof' });
    }
    return result === null || result.ok ? 'ok' : result.code;
  } finally {
    await pool.close();
  }
}

/** 0 where the system does not say (no /proc). */
function residentBytes(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
