/** CPU and memory of processes, from /proc (Linux). */
import { readdirSync, readFileSync } from 'node:fs';
import { pythonTree } from '../../test/helpers/processes.ts';

/** The kernel counts CPU in hundredths of a second, on every architecture that Node runs on. */
const MS_PER_TICK = 10;

/** CPU milliseconds so far; `reaped`: of children that have ended. */
export function cpuOf(stat: string): { own: number; reaped: number } {
  const fields = readFileSync(stat, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  const sum = (...at: number[]) =>
    at.reduce((total, index) => total + Number(fields[index]) * MS_PER_TICK, 0);
  return { own: sum(11, 12), reaped: sum(13, 14) };
}

/** CPU of a service so far, milliseconds. */
export interface ServiceCpu {
  nodeMain: number;
  /** All threads. */
  node: number;
  /** The host and its children, ended ones too. */
  python: number;
}

export function serviceCpu(pid: number): ServiceCpu {
  const { host, children } = pythonTree(pid);
  let python = 0;
  for (const one of host === null ? [] : [host, ...children]) {
    const { own, reaped } = cpuOf(`/proc/${one}/stat`);
    python += own + reaped;
  }
  const node = cpuOf(`/proc/${pid}/stat`).own;
  return { nodeMain: cpuOf(`/proc/${pid}/task/${pid}/stat`).own, node, python };
}

/** Memory of a service, MB (10^6 bytes): each page shared by n processes counts 1/n in each (PSS). */
export interface ServiceMemory {
  node: number;
  python: number;
  total: number;
  threads: number;
  children: number;
}

export function serviceMemory(pid: number): ServiceMemory {
  const { host, children } = pythonTree(pid);
  const node = pss(pid);
  const python = (host === null ? [] : [host, ...children]).reduce((sum, one) => sum + pss(one), 0);
  const threads = readdirSync(`/proc/${pid}/task`).length;
  return { node, python, total: node + python, threads, children: children.length };
}

/** 0 for a process that has ended. */
function pss(pid: number): number {
  try {
    const kib = /^Pss:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1];
    return (Number(kib ?? 0) * 1024) / 1e6;
  } catch {
    return 0;
  }
}
