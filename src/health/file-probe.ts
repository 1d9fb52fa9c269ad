import { faultOf, type MediaClient } from '../cdn/index.ts';
import { sourceOf } from '../files/index.ts';
import type { Asset } from '../posts/asset.ts';
import type { Post } from '../posts/post.ts';
import type { FileStats } from './file-stats.ts';

/** After this long without a file served, a post's file is asked for. */
const QUIET_MS = 5 * 60_000;

/** What a client has to fetch a file of the post itself; also the least pause between two probes at one egress. */
const WAIT_MS = 60_000;

const LIMIT_MS = 45_000;

export interface FileProbeOptions {
  media: Pick<MediaClient, 'openMedia'>;
  stats: FileStats;
}

/**
 * Asks the CDN for the first bytes of a post's file where posts are read, the canary's too, and no file has been served
 * lately, so that /health knows whether files can be fetched. At most one probe a minute at each egress.
 */
export class FileProbe {
  readonly #options: FileProbeOptions;
  readonly #waiting = new Map<string, NodeJS.Timeout>();
  readonly #stopped = new AbortController();

  constructor(options: FileProbeOptions) {
    this.#options = options;
  }

  /** Called for each post that was extracted. */
  sawPost(post: Post): void {
    const { egress } = post;
    if (this.#waiting.has(egress) || this.#stopped.signal.aborted || this.#isServing(egress)) return;
    const check = async () => {
      if (!this.#isServing(egress)) await this.#probe(post);
      this.#waiting.delete(egress);
    };
    this.#waiting.set(egress, setTimeout(() => void check(), WAIT_MS).unref());
  }

  stop(): void {
    this.#stopped.abort();
    for (const timer of this.#waiting.values()) clearTimeout(timer);
  }

  #isServing(egress: string): boolean {
    return Date.now() - (this.#options.stats.lastSuccess(egress) ?? 0) < QUIET_MS;
  }

  async #probe(post: Post): Promise<void> {
    const { media, stats } = this.#options;
    const signal = AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(LIMIT_MS)]);
    try {
      await media.openMedia(sourceOf(post, assetOf(post)), { method: 'HEAD' }, { signal });
    } catch (error) {
      if (this.#stopped.signal.aborted) return;
      const fault = signal.aborted ? 'stalled' : faultOf(error);
      if (fault !== null) stats.probeFailed(post.egress, fault);
    }
  }
}

function assetOf({ renditions }: Post): Asset {
  const video = renditions.find(({ playable }) => playable) ?? renditions[0];
  return video ? { kind: 'video', rendition: video.id } : { kind: 'photo', index: 0 };
}
