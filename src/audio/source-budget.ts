import { MAX_SOURCES_BYTES, noRoom, SOURCES_SHARE } from '../renders/index.ts';
import type { TempStore } from '../temp/index.ts';

/** Counts what the sources of sounds may take of TEMP_DIR, fetched or being fetched. */
export class SourceBudget {
  readonly #temp: TempStore;
  #reserved = 0;

  constructor(temp: TempStore) {
    this.#temp = temp;
  }

  /**
   * Reserves space for a source. @returns gives it back
   * @throws ServiceError `busy` where there is none
   */
  async reserve(bytes: number): Promise<() => void> {
    const free = await this.#temp.freeBytes();
    const room = Math.min(MAX_SOURCES_BYTES, free * SOURCES_SHARE) - this.#reserved;
    if (bytes > room) throw noRoom(new Error(`${bytes} bytes to fetch, room for ${Math.floor(room)}`));
    this.#reserved += bytes;
    return () => {
      this.#reserved -= bytes;
    };
  }
}
