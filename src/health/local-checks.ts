import { statfs } from 'node:fs/promises';
import { CookiesFile, type CookiesFileOptions, type CookiesStatus } from './cookies-file.ts';

/** Checked in the background, because /health must not wait for a disk that hangs. */
const EVERY_MS = 15_000;

export interface LocalChecksOptions {
  tempDir: string;
  cookies: CookiesFileOptions;
}

export interface LocalCheckResults {
  /** The disk of TEMP_DIR; null where it cannot be read. */
  disk: { free_bytes: number; size_bytes: number } | null;
  /** Null without a cookies file, which is allowed. */
  cookies: CookiesStatus | null;
}

/** Facts of the local disks, refreshed in the background. */
export class LocalChecks {
  readonly #tempDir: string;
  readonly #cookies: CookiesFile;
  #disk: LocalCheckResults['disk'] = null;
  #timer: NodeJS.Timeout | null = null;

  constructor({ tempDir, cookies }: LocalChecksOptions) {
    this.#tempDir = tempDir;
    this.#cookies = new CookiesFile(cookies);
  }

  get facts(): LocalCheckResults {
    return { disk: this.#disk, cookies: this.#cookies.status };
  }

  /** Resolves when the disk has been read; yt-dlp takes a second more for the cookies. */
  async start(): Promise<void> {
    const check = () => Promise.all([this.#checkDisk(), this.#cookies.check()]);
    void this.#cookies.check();
    await this.#checkDisk();
    this.#timer = setInterval(() => void check(), EVERY_MS).unref();
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer);
  }

  async #checkDisk(): Promise<void> {
    const disk = await statfs(this.#tempDir).catch(() => null);
    this.#disk = disk && { free_bytes: disk.bavail * disk.bsize, size_bytes: disk.blocks * disk.bsize };
  }
}
