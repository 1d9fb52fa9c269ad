import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import type { Engine } from '../engine/index.ts';
import type { ErrorCode } from '../errors.ts';
import type { PostLink } from '../posts/url.ts';
import { Connection } from './connection.ts';
import { HostProcess } from './host-process.ts';
import { WorkerPool } from './pool.ts';
import type { Hello } from './protocol.ts';
import { pacerSlots } from './sources/chain.ts';
import { Pacer } from './sources/pacer.ts';
import { desktopTargets, mobileTarget } from './sources/targets.ts';

/** How long a host may take to start; a healthy engine takes a fraction of a second. */
const START_LIMIT_MS = 20_000;

/** Self-tests that one child runs in a row; in service it runs 2,000 jobs. */
const SOAK_JOBS = 600;
const SOAK_LIMIT_MS = 60_000;
/** Caches are filled after this many. */
const WARM_JOBS = 100;
/** Resident memory that the child may grow by in the jobs after those. */
const MAX_GROWTH_BYTES = 48 * 1024 * 1024;

export interface VerificationOptions {
  engine: Engine;
  /** A folder for the socket. */
  runDir: string;
  cookiesPath: string;
  caFile: string | null;
  log: Logger;
  /** A post to fetch, and how; null leaves that out. */
  canary: { link: PostLink; proxy: string | null; timeoutMs: number } | null;
  /** Milliseconds in which the host has to start. */
  startLimitMs?: number;
}

export type Verification =
  | {
      ok: true;
      impersonation: boolean;
      /** Browsers that pages are asked as, then the phone. */
      targets: readonly string[];
      soakSeconds: number;
      canary: 'ok' | ErrorCode | null;
    }
  | { ok: false; why: string };

/**
 * Tries an engine as the service would use it, without a client: starts a host, has one child run the self-test again
 * and again, and fetches the canary's post from its page. The canary's result is only reported: whether the engine is
 * to blame shows a comparison with another one.
 */
export async function verifyEngine(options: VerificationOptions): Promise<Verification> {
  const { engine, runDir, cookiesPath, caFile, log, startLimitMs = START_LIMIT_MS } = options;
  const host = new HostProcess({ engine, runDir, cookiesPath, caFile, log, socketName: 'verify.sock' });
  let isLate = false;
  const limit = setTimeout(() => {
    isLate = true;
    // Ending the host makes its start fail.
    void host.close();
  }, startLimitMs);
  try {
    const hello = await host.start();
    clearTimeout(limit);
    const began = Date.now();
    await soak(host.socketPath);
    const soakSeconds = (Date.now() - began) / 1000;
    const canary = options.canary && (await fetchCanary(host.socketPath, hello, options.canary, log));
    const { impersonation } = hello;
    const targets = [...desktopTargets(hello.targets), mobileTarget(hello.targets) ?? []].flat();
    return { ok: true, impersonation, targets, soakSeconds, canary };
  } catch (error) {
    const why = isLate ? `it does not start within ${startLimitMs / 1000} seconds` : messageOf(error);
    return { ok: false, why };
  } finally {
    clearTimeout(limit);
    await host.close();
  }
}

async function soak(socketPath: string): Promise<void> {
  const child = await Connection.open(socketPath);
  const limit = setTimeout(() => child.close(), SOAK_LIMIT_MS);
  const job = { op: 'self-test', platform: 'tiktok', post: '', url: '', timeout: 10, proxy: null } as const;
  let warm = 0;
  let done = 0;
  try {
    for (; done < SOAK_JOBS; done += 1) {
      if (done === WARM_JOBS) warm = residentBytes(child.hello.pid);
      const reply = await child.request(job);
      if (!reply.ok) throw new Error(reply.error.message);
    }
  } catch (error) {
    throw new Error(`self-test ${done + 1} of ${SOAK_JOBS} failed: ${messageOf(error)}`, { cause: error });
  } finally {
    clearTimeout(limit);
  }
  const growth = residentBytes(child.hello.pid) - warm;
  child.close();
  if (growth > MAX_GROWTH_BYTES) {
    throw new Error(`a child grew by ${Math.round(growth / 2 ** 20)} MB over ${SOAK_JOBS - WARM_JOBS} jobs`);
  }
}

async function fetchCanary(
  socketPath: string,
  { targets }: Hello,
  { link, proxy, timeoutMs }: NonNullable<VerificationOptions['canary']>,
  log: Logger,
): Promise<'ok' | ErrorCode> {
  const pool = new WorkerPool(1, { timeoutMs, paces: Pacer.memory(pacerSlots(1)) }, log);
  const platform = link.kind === 'post' ? link.ref.platform : link.platform;
  const plan = {
    sources: [platform === 'douyin' ? ('douyin-detail' as const) : ('page' as const)],
    targets: desktopTargets(targets),
    mobileTarget: null,
    ttwid: null,
    ttwidIsFresh: true,
    isUnreadable: false,
    probes: [],
    slot: 0,
  };
  try {
    let code: 'ok' | ErrorCode = 'internal';
    for (let attempt = 0; attempt < 2 && code !== 'ok'; attempt += 1) {
      const result = await pool.run({ kind: 'extract', socketPath, link, proxy, egress: 'verify', plan });
      code = 'needs' in result ? 'internal' : result.ok ? 'ok' : result.code;
    }
    return code;
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
