import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { processes } from './processes.ts';

const PROBE = fileURLToPath(new URL('./health-probe.mjs', import.meta.url));
const BARE_SERVER = fileURLToPath(new URL('./bare-server.mjs', import.meta.url));

export interface HealthTimes {
  asked: number;
  /** Statuses other than 200; 0 where no answer came. */
  failed: number[];
  /** Milliseconds. */
  median: number;
  p99: number;
  max: number;
  /** Milliseconds that the main thread worked for the answer that took most of that; null where nobody knows. */
  maxWork: number | null;
}

/**
 * Asks a service for /health all the while; what comes back ends that and tells how long the answers took.
 * @param pid whose main thread's work until each answer is to be told
 */
export function watchHealth(baseUrl: string, pid?: number): () => Promise<HealthTimes> {
  const probe = spawn(process.execPath, [PROBE, `${baseUrl}/health`, `${pid ?? ''}`], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const output = text(probe.stdout);
  return async () => {
    probe.stdin.end();
    const answers = JSON.parse(await output) as { ms: number; cpuMs: number | null; status: number }[];
    const times = answers.map(({ ms }) => ms).sort((a, b) => a - b);
    const rounded = (ms: number) => Math.round(ms * 10) / 10;
    const at = (share: number) =>
      rounded(times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN);
    const work = answers.flatMap(({ cpuMs }) => (cpuMs === null ? [] : [cpuMs]));
    return {
      asked: answers.length,
      failed: answers.flatMap(({ status }) => (status === 200 ? [] : [status])),
      median: at(0.5),
      p99: at(0.99),
      max: at(1),
      maxWork: work.length === 0 ? null : rounded(Math.max(...work)),
    };
  };
}

/** Asks a server that does nothing else, in a process of its own, at the same time: what the machine itself takes. */
export async function watchControl(): Promise<() => Promise<HealthTimes>> {
  const server = spawn(process.execPath, [BARE_SERVER], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [port] = (await once(createInterface({ input: server.stdout }), 'line')) as [string];
  const times = watchHealth(`http://127.0.0.1:${port}`);
  return async () => {
    const control = await times();
    server.stdin.end();
    return control;
  };
}

/** Resident memory in MiB; 0 for a process that is gone. */
export function rssOf(pid: number): number {
  return kibOf(`/proc/${pid}/status`, 'VmRSS') / 1024;
}

/** Memory with what is shared divided among those who share it, in MiB. */
export function pssOf(pid: number): number {
  return kibOf(`/proc/${pid}/smaps_rollup`, 'Pss') / 1024;
}

function kibOf(file: string, field: string): number {
  try {
    return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(file, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** All that a process has started and that still runs, however deep. */
export function descendants(pid: number): { pid: number; command: string }[] {
  const all = processes();
  const found: { pid: number; command: string }[] = [];
  const parents = [pid];
  for (const parent of parents) {
    for (const one of all) {
      if (one.ppid !== parent) continue;
      parents.push(one.pid);
      found.push({ pid: one.pid, command: one.command });
    }
  }
  return found;
}

/** What a process's open files lead to: paths, `socket:[…]`, `pipe:[…]`, … */
export function openFiles(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap((fd) => {
    try {
      return [readlinkSync(`${folder}/${fd}`)];
    } catch {
      return [];
    }
  });
}
