import { stat, statfs } from 'node:fs/promises';

/** Reading them costs little, but /health must not wait for a disk that hangs. */
const EVERY_MS = 15_000;

export interface LocalCheckPaths {
  tempDir: string;
  cookiesPath: string;
}

export interface LocalCheckResults {
  /** Of the disk that TEMP_DIR is on; null before the first look. */
  disk: { free_bytes: number; size_bytes: number } | null;
  /** Null where there is no cookies file, which is allowed. */
  cookies: { changed: number } | null;
}

/** What lies on disks, looked at now and then, so that /health only has to say it. */
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
    await this.#look();
    this.#timer = setInterval(() => void this.#look(), EVERY_MS).unref();
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
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
