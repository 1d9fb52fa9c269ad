import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { processes } from './processes.ts';

const PROBE = fileURLToPath(new URL('./health-probe.mjs', import.meta.url));

export interface HealthTimes {
  asked: number;
  /** Statuses other than 200; 0 where no answer came. */
  failed: number[];
  /** Milliseconds. */
  median: number;
  p99: number;
  max: number;
}

/** Asks a service for /health all the while; what comes back ends that and tells how long the answers took. */
export function watchHealth(baseUrl: string): () => Promise<HealthTimes> {
  const probe = spawn(process.execPath, [PROBE, `${baseUrl}/health`], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const output = text(probe.stdout);
  return async () => {
    probe.stdin.end();
    const answers = JSON.parse(await output) as { ms: number; status: number }[];
    const times = answers.map(({ ms }) => ms).sort((a, b) => a - b);
    const at = (share: number) =>
      Math.round((times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN) * 10) /
      10;
    return {
      asked: answers.length,
      failed: answers.flatMap(({ status }) => (status === 200 ? [] : [status])),
      median: at(0.5),
      p99: at(0.99),
      max: at(1),
    };
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
