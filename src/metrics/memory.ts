import { readFile } from 'node:fs/promises';

export type Part = 'node' | 'python' | 'render';

export interface Memory {
  processes: number;
  /** Proportional set size in bytes: what is shared with others is shared out among them. */
  pss: number;
  /** Resident set size in bytes. For forked children it counts the same memory again and again. */
  rss: number;
}

/** Reading smaps_rollup makes the kernel walk the page tables: a millisecond for each process. */
const FRESH_MS = 5000;

/**
 * Memory of this process and of all that it started: yt-dlp's host and its children, renderers and their ffmpegs.
 * Linux only; elsewhere nothing is known.
 */
export class ProcessMemory {
  #last: { at: number; parts: Promise<ReadonlyMap<Part, Memory>> } | null = null;

  read(now = Date.now()): Promise<ReadonlyMap<Part, Memory>> {
    if (!this.#last || now - this.#last.at > FRESH_MS) this.#last = { at: now, parts: readTree(process.pid) };
    return this.#last.parts;
  }
}

async function readTree(root: number): Promise<ReadonlyMap<Part, Memory>> {
  const parts = new Map<Part, Memory>();
  const pids = await descendants(root);
  const all = await Promise.all([root, ...pids].map(async (pid) => ({ pid, memory: await memoryOf(pid) })));
  for (const { pid, memory } of all) {
    if (!memory) continue;
    const part = pid === root ? 'node' : memory.python ? 'python' : 'render';
    const sum = parts.get(part) ?? { processes: 0, pss: 0, rss: 0 };
    parts.set(part, {
      processes: sum.processes + 1,
      pss: sum.pss + memory.pss,
      rss: sum.rss + memory.rss,
    });
  }
  return parts;
}

async function descendants(pid: number): Promise<number[]> {
  const children = ((await text(`/proc/${pid}/task/${pid}/children`)) ?? '')
    .split(' ')
    .filter(Boolean)
    .map(Number);
  return [...children, ...(await Promise.all(children.map(descendants))).flat()];
}

async function memoryOf(pid: number): Promise<{ pss: number; rss: number; python: boolean } | null> {
  const [rollup, name] = await Promise.all([text(`/proc/${pid}/smaps_rollup`), text(`/proc/${pid}/comm`)]);
  if (!rollup) return null;
  const kilobytes = (field: string) =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1] ?? 0);
  return {
    pss: kilobytes('Pss') * 1024,
    rss: kilobytes('Rss') * 1024,
    python: name?.startsWith('python') ?? false,
  };
}

/** Null for a process that has gone in the meantime, and on systems without /proc. */
async function text(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return null;
  }
}
