import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs';

export interface Cgroup {
  path: string;
  remove(): void;
}

/** A cgroup with a memory limit, of version 1 or 2; null where this user may not make one. */
export function makeCgroup(bytes: number): Cgroup | null {
  const name = `tiktok-downloader-test-${process.pid}`;
  for (const [folder, limit] of [
    ['/sys/fs/cgroup/memory', 'memory.limit_in_bytes'],
    ['/sys/fs/cgroup', 'memory.max'],
  ]) {
    const path = `${folder}/${name}`;
    try {
      mkdirSync(path);
      writeFileSync(`${path}/${limit}`, String(bytes));
      return { path, remove: () => rmdirSync(path) };
    } catch {
      // The other version.
    }
  }
  process.stdout.write('no cgroup can be made here: memory limits are not tested\n');
  return null;
}
