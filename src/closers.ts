import type { Logger } from 'pino';

interface Closer {
  name: string;
  close: () => unknown;
}

/** What has been built and has to be closed, in reverse order. */
export class Closers {
  readonly #closers: Closer[] = [];
  readonly #log: Pick<Logger, 'error'>;

  constructor(log: Pick<Logger, 'error'>) {
    this.#log = log;
  }

  /** @param name for the log, where `close` fails */
  add(name: string, close: () => unknown): void {
    this.#closers.push({ name, close });
  }

  /**
   * Closes everything once. A failure is logged and does not stop the rest.
   * @returns the names of what could not be closed
   */
  async closeAll(): Promise<string[]> {
    const failed: string[] = [];
    for (let next = this.#closers.pop(); next; next = this.#closers.pop()) {
      const { name, close } = next;
      try {
        await close();
      } catch (err) {
        failed.push(name);
        this.#log.error({ err, part: name }, 'a part of the service could not be closed');
      }
    }
    return failed;
  }
}
