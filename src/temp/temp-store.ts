import { randomBytes } from 'node:crypto';
import { lstat, mkdir, mkdtemp, readdir, rmdir, statfs } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Logger } from 'pino';
import { addStats, type CleanupStats, removeCounted } from './cleanup-stats.ts';
import { claim, type Ownership, ownerOf } from './owner.ts';

/** A folder for one job, safe from sweeps until it is disposed of. */
export interface JobFolder {
  readonly path: string;
  /** Removes the folder. Never rejects: what cannot be removed is left to the sweep. */
  dispose(): Promise<void>;
}

type Log = Pick<Logger, 'info' | 'warn'>;

const RUN_NAME = /^run-[0-9a-f]{16}$/;

/**
 * The work folders under TEMP_DIR: `run-<id>/` for each running service, `<kind>-<random>/` in it for each job.
 * Anything else in TEMP_DIR is never touched.
 */
export class TempStore {
  readonly #dir: string;
  readonly #run: string;
  readonly #log: Log;
  readonly #inUse = new Set<string>();
  #ownership: Ownership | null = null;

  constructor(options: { dir: string; log: Log }) {
    this.#dir = resolve(options.dir);
    this.#run = join(this.#dir, `run-${randomBytes(8).toString('hex')}`);
    this.#log = options.log;
  }

  /** Number of job folders in use. */
  get inUse(): number {
    return this.#inUse.size;
  }

  /** Creates TEMP_DIR and this run's folder, and removes the folders of crashed runs. */
  async open(): Promise<void> {
    await mkdir(this.#run, { recursive: true, mode: 0o700 });
    this.#ownership = await claim(this.#run);
    const freed = await this.#removeDeadRuns();
    if (freed.files > 0) this.#log.info(freed, 'removed work folders of a crashed run');
  }

  /** @param kind prefix of the folder's name, such as `slideshow` */
  async createJob(kind: string): Promise<JobFolder> {
    if (!this.#ownership) throw new Error('TempStore is not open');
    const path = await mkdtemp(join(this.#run, `${kind}-`));
    this.#inUse.add(path);
    return { path, dispose: () => this.#dispose(path) };
  }

  /**
   * Removes this run's unused folders older than `olderThanMs`, and all folders of crashed runs. Errors of single folders
   * are logged; the next sweep retries.
   */
  async sweep({ olderThanMs }: { olderThanMs: number }): Promise<CleanupStats> {
    let freed = await this.#removeDeadRuns();
    for (const name of await namesIn(this.#run)) {
      const path = join(this.#run, name);
      const info = await lstat(path).catch(() => null);
      if (!info?.isDirectory() || Date.now() - info.mtimeMs < olderThanMs || this.#inUse.has(path)) continue;
      freed = addStats(freed, await this.#remove(path));
    }
    return freed;
  }

  /** Bytes that this process may still write under TEMP_DIR. */
  async freeBytes(): Promise<number> {
    const disk = await statfs(this.#dir);
    return disk.bavail * disk.bsize;
  }

  /** Removes this run's folder. */
  async close(): Promise<void> {
    await this.#ownership?.release();
    this.#ownership = null;
    this.#inUse.clear();
    await this.#remove(this.#run);
  }

  async #dispose(path: string): Promise<void> {
    if (!this.#inUse.has(path)) return;
    await this.#remove(path);
    this.#inUse.delete(path);
  }

  async #removeDeadRuns(): Promise<CleanupStats> {
    let freed: CleanupStats = { files: 0, bytes: 0 };
    for (const name of await namesIn(this.#dir)) {
      const path = join(this.#dir, name);
      if (!RUN_NAME.test(name) || path === this.#run) continue;
      const info = await lstat(path).catch(() => null);
      if (!info?.isDirectory()) continue;
      const owner = await ownerOf(path);
      if (owner === 'dead') freed = addStats(freed, await this.#remove(path));
      // A run that crashed before it wrote its owner file leaves an empty folder; rmdir removes no other.
      else if (owner === 'foreign' && Date.now() - info.mtimeMs > 60_000)
        await rmdir(path).catch(() => undefined);
    }
    return freed;
  }

  async #remove(path: string): Promise<CleanupStats> {
    try {
      return await removeCounted(path);
    } catch (err) {
      this.#log.warn({ err }, 'cannot remove a work folder, retrying at the next sweep');
      return { files: 0, bytes: 0 };
    }
  }
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
}
