import { stat } from 'node:fs/promises';
import { fileEtag } from '../media/index.ts';
import type { CleanupStats, JobFolder } from '../temp/index.ts';

/** A finished file that stays as it is until released. */
export interface RenderedFile {
  path: string;
  /** Bytes. */
  size: number;
  mtimeMs: number;
  /** `fileEtag` of the bytes. */
  etag: string;
  /** To be called once the file is closed; more than once does nothing. */
  release(): void;
}

interface Item {
  job: JobFolder;
  path: string;
  size: number;
  mtimeMs: number;
  etag: string;
  readers: number;
}

/** Finished files, kept while young and while they fit; of those not being read, the longest unused goes first. */
export class FileCache {
  readonly #maxAgeMs: number;
  /** Changes with the room that there is; what is too much goes at the next `trim`. */
  maxBytes: number;
  /** In order of use: a Map keeps the order of insertion. */
  readonly #items = new Map<string, Item>();
  /** No longer offered, but still being read. */
  readonly #retired = new Set<Item>();
  readonly #leaving = new Set<Promise<void>>();

  constructor(options: { maxAgeMs: number; maxBytes: number }) {
    this.#maxAgeMs = options.maxAgeMs;
    this.maxBytes = options.maxBytes;
  }

  get bytes(): number {
    return [...this.#items.values(), ...this.#retired].reduce((sum, item) => sum + item.size, 0);
  }

  get files(): number {
    return this.#items.size;
  }

  has(key: string): boolean {
    const item = this.#items.get(key);
    return item !== undefined && !this.#isOld(item);
  }

  /** Puts a finished file there, with its folder. It makes room for itself when it is first taken. */
  async add(key: string, path: string, job: JobFolder): Promise<void> {
    const [{ size, mtimeMs }, etag] = await Promise.all([stat(path), fileEtag(path)]);
    const before = this.#items.get(key);
    if (before) this.#retire(key, before);
    this.#items.set(key, { job, path, size, mtimeMs, etag, readers: 0 });
  }

  /** The file of `key`, held for the caller until it is released. */
  take(key: string): RenderedFile | null {
    const item = this.#items.get(key);
    if (!item || this.#isOld(item)) return null;
    this.#items.delete(key);
    this.#items.set(key, item);
    item.readers += 1;
    // Others make room for it now that it cannot be taken for one of them.
    this.trim();
    let held = true;
    const release = () => {
      if (!held) return;
      held = false;
      item.readers -= 1;
      if (this.#retired.has(item)) this.#leave(item);
      this.trim();
    };
    return { path: item.path, size: item.size, mtimeMs: item.mtimeMs, etag: item.etag, release };
  }

  /** Lets go of what is too old or too much. What is being read goes when its last reader has released it. */
  trim(): CleanupStats {
    const freed: CleanupStats = { files: 0, bytes: 0 };
    let bytes = this.bytes;
    for (const [key, item] of [...this.#items]) {
      if (!this.#isOld(item) && (bytes <= this.maxBytes || item.readers > 0)) continue;
      this.#retire(key, item);
      if (item.readers > 0) continue;
      bytes -= item.size;
      freed.files += 1;
      freed.bytes += item.size;
    }
    return freed;
  }

  /** Resolves when the folders of everything let go of so far are gone. */
  async settled(): Promise<void> {
    await Promise.all(this.#leaving);
  }

  /** Removes everything, being read or not. */
  async clear(): Promise<void> {
    for (const item of [...this.#items.values(), ...this.#retired]) {
      item.readers = 0;
      this.#leave(item);
    }
    this.#items.clear();
    await this.settled();
  }

  #isOld(item: Item): boolean {
    return Date.now() - item.mtimeMs >= this.#maxAgeMs;
  }

  #retire(key: string, item: Item): void {
    this.#items.delete(key);
    this.#retired.add(item);
    this.#leave(item);
  }

  #leave(item: Item): void {
    if (item.readers > 0) return;
    this.#retired.delete(item);
    const leaving = item.job.dispose();
    this.#leaving.add(leaving);
    void leaving.finally(() => this.#leaving.delete(leaving));
  }
}
