import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** What a clean-up gave back. */
export interface Freed {
  files: number;
  bytes: number;
}

/** Removes a file or folder whole and says what that freed. Links are removed, never followed. */
export async function removeCounted(path: string): Promise<Freed> {
  const freed = await measure(path);
  await rm(path, { recursive: true, force: true, maxRetries: 3, retryDelay: 50 });
  return freed;
}

export function addFreed(a: Freed, b: Freed): Freed {
  return { files: a.files + b.files, bytes: a.bytes + b.bytes };
}

async function measure(path: string): Promise<Freed> {
  try {
    const info = await lstat(path);
    if (!info.isDirectory()) return { files: 1, bytes: info.size };
    let sum: Freed = { files: 0, bytes: 0 };
    for (const name of await readdir(path)) sum = addFreed(sum, await measure(join(path, name)));
    return sum;
  } catch (error) {
    // Somebody else was quicker: it frees nothing here.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { files: 0, bytes: 0 };
    throw error;
  }
}
