import { readFile } from 'node:fs/promises';

export type Part = 'node' | 'python' | 'render';

export interface Memory {
  processes: number;
  /** Proportional set size in bytes: shared pages count as a fraction. */
  pss: number;
  /** Resident set size in bytes: pages shared by forked children count once for each of them. */
  rss: number;
}

/** How long a reading is reused: smaps_rollup makes the kernel walk the page tables, about 1 ms for each process. */
const FRESH_MS = 5000;

/** Memory of this process and its descendants: the yt-dlp host with its children, and ffmpeg. Empty outside Linux. */
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

/** Null for a process that has ended, and on systems without /proc. */
async function text(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return null;
  }
}
