import { ServiceError } from '../errors.ts';

/** Seconds; a reader of an archive is done within a few. */
const RETRY_AFTER = 5;

export interface SpoolLimits {
  /** Bytes on the disk for all archives together. */
  maxBytes: number;
  /** Archives of one client at a time. */
  maxPerClient: number;
}

/** Counts what archives may take on the disk, so that slow clients neither fill it nor keep others out. */
export class SpoolBudget {
  readonly #limits: SpoolLimits;
  readonly #archives = new Map<string, number>();
  #bytes = 0;

  constructor(limits: SpoolLimits) {
    this.#limits = limits;
  }

  /** Bytes reserved now. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Reserves bytes for one archive of a client; returns how to free them, once.
   * @throws ServiceError `busy`
   */
  reserve(client: string, bytes: number): () => void {
    const archives = this.#archives.get(client) ?? 0;
    if (archives >= this.#limits.maxPerClient || this.#bytes + bytes > this.#limits.maxBytes) {
      throw new ServiceError('busy', { retryAfter: RETRY_AFTER });
    }
    this.#bytes += bytes;
    this.#archives.set(client, archives + 1);
    let reserved = true;
    return () => {
      if (!reserved) return;
      reserved = false;
      this.#bytes -= bytes;
      const left = (this.#archives.get(client) ?? 1) - 1;
      if (left > 0) this.#archives.set(client, left);
      else this.#archives.delete(client);
    };
  }
}
