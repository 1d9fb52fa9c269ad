import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Values from here on mean "no limit" in cgroup v1. */
const UNLIMITED = 2 ** 60;

export interface CgroupMemory {
  limitBytes: number;
  /** Working set: what the kernel cannot reclaim without killing. Includes files on a tmpfs. */
  usedBytes: number;
}

interface Layout {
  mount: string;
  limit: string;
  usage: string;
}

const V2: Layout = { mount: '/sys/fs/cgroup', limit: 'memory.max', usage: 'memory.current' };
const V1: Layout = {
  mount: '/sys/fs/cgroup/memory',
  limit: 'memory.limit_in_bytes',
  usage: 'memory.usage_in_bytes',
};

/**
 * The lowest memory limit that applies to this process, from its cgroup upwards, and the use of that cgroup.
 * @param root for tests: a folder in place of `/`
 * @returns null without a limit, and on systems without cgroups
 */
export async function readCgroupMemory(root = '/'): Promise<CgroupMemory | null> {
  const lines = (await text(join(root, 'proc/self/cgroup')))?.split('\n') ?? [];
  const paths = lines.map((line) => /^\d+:([^:]*):(.*)$/.exec(line)).filter((match) => match !== null);
  const v1 = paths.find(([, controllers]) => controllers?.split(',').includes('memory'))?.[2];
  const v2 = paths.find(([, controllers]) => controllers === '')?.[2];
  const path = v1 ?? v2;
  if (path === undefined) return null;
  const layout = v1 === undefined ? V2 : V1;
  let lowest: CgroupMemory | null = null;
  for (const folder of upwards(path)) {
    const found = await readFolder(join(root, layout.mount, folder), layout);
    if (found && found.limitBytes < (lowest?.limitBytes ?? UNLIMITED)) lowest = found;
  }
  return lowest;
}

/** A container sees the path that the host gave it, but only its own cgroup, as the root: hence the last one. */
function upwards(path: string): string[] {
  const folders = [path];
  while (folders.at(-1) !== '/' && folders.length < 32) folders.push(dirname(folders.at(-1) ?? '/'));
  return folders;
}

async function readFolder(folder: string, { limit, usage }: Layout): Promise<CgroupMemory | null> {
  const [max, current, stat] = await Promise.all(
    [limit, usage, 'memory.stat'].map((name) => text(join(folder, name))),
  );
  const limitBytes = Number(max ?? Number.NaN);
  const reclaimable = Number(/^(?:total_)?inactive_file (\d+)$/m.exec(stat ?? '')?.[1] ?? 0);
  if (!(limitBytes < UNLIMITED)) return null;
  return { limitBytes, usedBytes: Math.max(0, Number(current ?? 0) - reclaimable) };
}

async function text(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return null;
  }
}
