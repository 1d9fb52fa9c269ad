import type { FileFault, FileOutcome } from '../cdn/index.ts';

const WINDOW_MS = 15 * 60_000;

/** Posts of which the last outcome is kept, for each egress. */
const POSTS = 20;

/** Outcomes of opening files at one egress, one for each of the last posts. */
export interface FileSummary {
  /** Id of the egress. */
  egress: string;
  posts: number;
  failed: number;
  /** The most frequent fault, the latest of equals; null without failures. */
  worst: FileFault | null;
  /** Unix milliseconds of the last file that was served; null for none. */
  lastSuccess: number | null;
  /** Why the last probe failed; null where it or a later file was served. */
  probe: FileFault | null;
}

interface EgressFiles {
  lastSuccess: number | null;
  probe: FileFault | null;
  /** By post, the latest last: a client that repeats one dead file counts once. */
  latest: Map<string, { at: number; fault: FileFault | null }>;
}

/** How opening files ended lately, by egress. Bounded by the number of egresses. */
export class FileStats {
  readonly #egresses = new Map<string, EgressFiles>();

  record({ egress, post, fault }: FileOutcome, now = Date.now()): void {
    const { latest } = this.#of(egress);
    latest.delete(post);
    latest.set(post, { at: now, fault });
    for (const oldest of latest.keys()) {
      if (latest.size <= POSTS) break;
      latest.delete(oldest);
    }
    if (fault !== null) return;
    const files = this.#of(egress);
    files.lastSuccess = now;
    files.probe = null;
  }

  /** Notes that a probe failed. Its own outcome has been recorded like any other. */
  probeFailed(egress: string, fault: FileFault): void {
    this.#of(egress).probe = fault;
  }

  /** Unix milliseconds of the last file served through the egress. */
  lastSuccess(egress: string): number | null {
    return this.#egresses.get(egress)?.lastSuccess ?? null;
  }

  summaries(now = Date.now()): FileSummary[] {
    return [...this.#egresses].map(([egress, { latest, lastSuccess, probe }]) => {
      const faults = [...latest.values()].filter(({ at }) => at > now - WINDOW_MS).map(({ fault }) => fault);
      const failures = faults.filter((fault) => fault !== null).reverse();
      const count = (fault: FileFault) => failures.filter((one) => one === fault).length;
      const [worst = null] = [...new Set(failures)].sort((a, b) => count(b) - count(a));
      return { egress, posts: faults.length, failed: failures.length, worst, lastSuccess, probe };
    });
  }

  #of(egress: string): EgressFiles {
    let files = this.#egresses.get(egress);
    if (!files) {
      files = { lastSuccess: null, probe: null, latest: new Map() };
      this.#egresses.set(egress, files);
    }
    return files;
  }
}
