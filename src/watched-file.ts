import { readFileSync, type Stats, statSync } from 'node:fs';
import type { Logger } from 'pino';

/** How often the file is looked at, in milliseconds. */
const CHECK_MS = 2000;

export interface WatchedFileOptions<T> {
  path: string;
  /** What the file is, for the log and /health. */
  name: string;
  /** @throws Error whose message says what is wrong */
  parse: (text: string) => T;
  log: Logger;
}

/**
 * A file of the operator's that is read again when it changes. One that cannot be read, or is wrong, leaves the last
 * good content in force.
 */
export class WatchedFile<T> {
  readonly #options: WatchedFileOptions<T>;
  readonly #timer: NodeJS.Timeout;
  #version: string;
  #content: T;
  #problem: string | null = null;

  /** @throws Error why the file cannot be used */
  constructor(options: WatchedFileOptions<T>) {
    this.#options = options;
    this.#version = versionOf(statSync(options.path));
    this.#content = options.parse(readFileSync(options.path, 'utf8'));
    this.#timer = setInterval(() => this.#refresh(), CHECK_MS).unref();
  }

  get name(): string {
    return this.#options.name;
  }

  get content(): T {
    return this.#content;
  }

  /** Why the file as it is now is not in force; null where it is. */
  get problem(): string | null {
    return this.#problem;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #refresh(): void {
    const { path, name, parse, log } = this.#options;
    try {
      const version = versionOf(statSync(path));
      if (version === this.#version) return;
      this.#content = parse(readFileSync(path, 'utf8'));
      this.#version = version;
      this.#problem = null;
      log.info(`${name} read`);
    } catch (error) {
      const { message } = error as Error;
      this.#version = '';
      if (message === this.#problem) return;
      this.#problem = message;
      log.error({ problem: message }, `${name} unusable: the last good one stays in force`);
    }
  }
}

/** Another one after each change of a file or its permissions. */
export function versionOf({ ctimeMs, size, ino }: Stats): string {
  return `${ctimeMs} ${size} ${ino}`;
}
