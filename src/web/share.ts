import { connectionFailure, requestFile } from './api.ts';
import { format, percent, t } from './language.ts';

/** Larger files are downloaded: until they are shared they are held in memory. */
export const MAX_SHARED_BYTES = 150e6;

/** Whether the page was opened from the home screen, where a file that is opened covers the page for good. */
export function isStandalone(): boolean {
  return (
    matchMedia('(display-mode: standalone)').matches ||
    (navigator as { standalone?: boolean }).standalone === true
  );
}

/** An iPad calls itself a Mac. */
function isIos(): boolean {
  const { userAgent, maxTouchPoints } = navigator;
  return /iPhone|iPad/.test(userAgent) || (/Macintosh/.test(userAgent) && maxTouchPoints > 1);
}

/**
 * What to choose in the share sheet, in the words of iOS; other systems have an app for it.
 * @param photos 0 for a video
 */
export function shareHint(photos: number): string {
  if (!isIos()) return t.shareHint;
  return photos > 1 ? format(t.thenPhotos, { n: photos }) : photos === 1 ? t.thenPhoto : t.thenVideo;
}

/** Whether this is a phone or tablet whose share sheet takes files. */
export function canShareFiles(): boolean {
  if (!matchMedia('(pointer: coarse)').matches || typeof navigator.canShare !== 'function') return false;
  return navigator.canShare({ files: [new File(['.'], 'photo.jpg', { type: 'image/jpeg' })] });
}

type Outcome =
  /** The share sheet took the files. */
  | 'shared'
  /** It was closed, or wants another tap because the first one is too long ago. */
  | 'tap'
  /** It does not take these files. */
  | 'refused';

/** Fetches files and hands them to the share sheet. Files that were fetched are kept until it has taken them. */
export class ShareTask {
  #state: 'idle' | 'fetching' | 'fetched' = 'idle';
  readonly #links: string[];
  #files: File[] = [];
  /** 0 to 1. */
  #progress = 0;

  constructor(links: string[]) {
    this.#links = links;
  }

  /** The state in words; undefined while there is nothing to say. */
  describe(): string | undefined {
    if (this.#state === 'idle') return undefined;
    if (this.#state === 'fetched') return t.tapToSave;
    return format(t.loadingFile, { percent: percent(this.#progress) });
  }

  /** @throws Failure */
  async run(onProgress: () => void): Promise<Outcome> {
    const fresh = this.#state !== 'fetched';
    if (fresh && !(await this.#fetch(onProgress))) return 'refused';
    if (!navigator.canShare({ files: this.#files })) return this.#end('refused');
    // A fetch may outlast the permission that a tap gives.
    if (fresh && navigator.userActivation?.isActive === false) return 'tap';
    try {
      await navigator.share({ files: this.#files });
      return this.#end('shared');
    } catch (error) {
      const { name } = error as DOMException;
      const expired = fresh && name === 'NotAllowedError';
      return expired || name === 'AbortError' ? 'tap' : this.#end('refused');
    }
  }

  #end(outcome: Outcome): Outcome {
    this.#state = 'idle';
    this.#files = [];
    return outcome;
  }

  /** @returns false where the files are too large */
  async #fetch(onProgress: () => void): Promise<boolean> {
    this.#state = 'fetching';
    this.#progress = 0;
    this.#files = [];
    let room = MAX_SHARED_BYTES;
    try {
      for (const [index, link] of this.#links.entries()) {
        const file = await fetchFile(link, room, (part) => {
          this.#progress = (index + part) / this.#links.length;
          onProgress();
        });
        if (!file) {
          this.#end('refused');
          return false;
        }
        room -= file.size;
        this.#files.push(file);
      }
    } catch (error) {
      this.#end('refused');
      throw error;
    }
    this.#state = 'fetched';
    return true;
  }
}

/** @returns null where the file is larger than `room` bytes. @throws Failure */
async function fetchFile(
  link: string,
  room: number,
  onProgress: (part: number) => void,
): Promise<File | null> {
  const response = await requestFile(link);
  const total = Number(response.headers.get('content-length'));
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  for (;;) {
    const { done, value } = (await reader?.read().catch(() => Promise.reject(connectionFailure()))) ?? {
      done: true,
    };
    if (done || !value) break;
    length += value.length;
    if (Math.max(length, total) > room) {
      await reader?.cancel();
      return null;
    }
    chunks.push(value);
    onProgress(total ? length / total : 0);
  }
  const name = decodeURIComponent(response.headers.get('x-filename') ?? 'file');
  const type = response.headers.get('content-type')?.split(';', 1)[0] ?? '';
  return new File(chunks, name, { type });
}
