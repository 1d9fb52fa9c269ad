import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** What a clean-up freed. */
export interface CleanupStats {
  files: number;
  bytes: number;
}

/** Removes a file or folder and counts what that freed. Symbolic links are not followed. */
export async function removeCounted(path: string): Promise<CleanupStats> {
  const freed = await measure(path);
  await rm(path, { recursive: true, force: true, maxRetries: 3, retryDelay: 50 });
  return freed;
}

export function addStats(a: CleanupStats, b: CleanupStats): CleanupStats {
  return { files: a.files + b.files, bytes: a.bytes + b.bytes };
}

async function measure(path: string): Promise<CleanupStats> {
  try {
    const info = await lstat(path);
    if (!info.isDirectory()) return { files: 1, bytes: info.size };
    let sum: CleanupStats = { files: 0, bytes: 0 };
    for (const name of await readdir(path)) sum = addStats(sum, await measure(join(path, name)));
    return sum;
  } catch (error) {
    // Removed by another process.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { files: 0, bytes: 0 };
    throw error;
  }
}
