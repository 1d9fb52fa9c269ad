import { stat, statfs } from 'node:fs/promises';

/** Checked in the background, because /health must not wait for a disk that hangs. */
const EVERY_MS = 15_000;

export interface LocalCheckPaths {
  tempDir: string;
  cookiesPath: string;
}

export interface LocalCheckResults {
  /** The disk of TEMP_DIR; null where it cannot be read. */
  disk: { free_bytes: number; size_bytes: number } | null;
  /** Null without a cookies file, which is allowed. */
  cookies: { changed: number } | null;
}

/** Facts of the local disks, refreshed in the background. */
export class LocalChecks {
  readonly #paths: LocalCheckPaths;
  #facts: LocalCheckResults = { disk: null, cookies: null };
  #timer: NodeJS.Timeout | null = null;

  constructor(paths: LocalCheckPaths) {
    this.#paths = paths;
  }

  get facts(): LocalCheckResults {
    return this.#facts;
  }

  async start(): Promise<void> {
    await this.#check();
    this.#timer = setInterval(() => void this.#check(), EVERY_MS).unref();
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer);
  }

  async #check(): Promise<void> {
    const { tempDir, cookiesPath } = this.#paths;
    const [disk, cookies] = await Promise.all([
      statfs(tempDir).catch(() => null),
      stat(cookiesPath).catch(() => null),
    ]);
    this.#facts = {
      disk: disk && { free_bytes: disk.bavail * disk.bsize, size_bytes: disk.blocks * disk.bsize },
      cookies: cookies && { changed: cookies.mtimeMs / 1000 },
    };
  }
}
