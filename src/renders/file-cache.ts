import { open, stat } from 'node:fs/promises';
import { type CachedFile, fileEtag } from '../media/index.ts';
import type { CleanupStats, JobFolder } from '../temp/index.ts';

interface Entry {
  job: JobFolder;
  path: string;
  size: number;
  mtimeMs: number;
  etag: string;
}

/**
 * Finished files, kept while young and while they fit; the least recently used goes first. A file that is evicted
 * while it is read stays readable: it is unlinked, and its readers have it open.
 */
export class FileCache {
  readonly #maxAgeMs: number;
  /** Follows the free space; what is too much goes at the next `trim`. */
  maxBytes: number;
  /** In order of use. */
  readonly #entries = new Map<string, Entry>();
  readonly #removals = new Set<Promise<void>>();
  #bytes = 0;

  constructor(options: { maxAgeMs: number; maxBytes: number }) {
    this.#maxAgeMs = options.maxAgeMs;
    this.maxBytes = options.maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get files(): number {
    return this.#entries.size;
  }

  has(key: string): boolean {
    const entry = this.#entries.get(key);
    return entry !== undefined && !this.#isOld(entry);
  }

  /** Takes over a finished file with its folder. Others make room for it; one that is too large alone goes at the next `trim`. */
  async add(key: string, path: string, job: JobFolder): Promise<void> {
    const { size, mtimeMs } = await stat(path);
    const etag = await fileEtag(path);
    this.#remove(key);
    this.#evict(this.maxBytes - size);
    this.#entries.set(key, { job, path, size, mtimeMs, etag });
    this.#bytes += size;
  }

  /** Opens the file of `key`; null where there is none. The caller releases it. */
  async open(key: string): Promise<CachedFile | null> {
    const entry = this.#entries.get(key);
    if (!entry || this.#isOld(entry)) return null;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    const handle = await open(entry.path, 'r').catch((error: NodeJS.ErrnoException) => {
      // Evicted meanwhile.
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    if (!handle) return null;
    const { size, mtimeMs, etag } = entry;
    return {
      size,
      etag,
      lastModified: new Date(mtimeMs).toUTCString(),
      open: (range) => handle.createReadStream(range ?? {}),
      release: () => void handle.close().catch(() => undefined),
    };
  }

  /** Evicts what is too old or too much. */
  trim(): CleanupStats {
    return this.#evict(this.maxBytes);
  }

  /** Resolves when the folders of everything evicted so far are gone. */
  async settled(): Promise<void> {
    await Promise.all(this.#removals);
  }

  async clear(): Promise<void> {
    for (const key of [...this.#entries.keys()]) this.#remove(key);
    await this.settled();
  }

  #isOld({ mtimeMs }: Entry): boolean {
    return Date.now() - mtimeMs >= this.#maxAgeMs;
  }

  #evict(maxBytes: number): CleanupStats {
    const freed: CleanupStats = { files: 0, bytes: 0 };
    for (const [key, entry] of [...this.#entries]) {
      if (!this.#isOld(entry) && this.#bytes <= maxBytes) continue;
      this.#remove(key);
      freed.files += 1;
      freed.bytes += entry.size;
    }
    return freed;
  }

  #remove(key: string): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    this.#entries.delete(key);
    this.#bytes -= entry.size;
    const removal = entry.job.dispose();
    this.#removals.add(removal);
    void removal.finally(() => this.#removals.delete(removal));
  }
}
