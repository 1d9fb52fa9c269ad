import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Produce, WorkTools } from '../renders/index.ts';
import type { SlideshowRenderer } from './renderer.ts';

/** Where the pictures and the music of one post come from. Each call writes a whole file or throws. */
export interface SlideshowSource {
  photos: number;
  fetchPhoto: (index: number, toPath: string, signal: AbortSignal) => Promise<void>;
  /** Null for a post without music. */
  fetchSound: ((toPath: string, signal: AbortSignal) => Promise<void>) | null;
}

/** As many as a browser opens to one host; more only share the same line. */
const FETCHES_AT_ONCE = 6;
/** Share of the progress bar that fetching takes. */
const FETCH_PERCENT = 40;

/** The work of one slideshow, for SlideshowStore.get: fetch everything, then render. */
export function createSlideshow(
  source: SlideshowSource,
  slideSeconds: number,
  renderer: SlideshowRenderer,
): Produce {
  return async ({ job, report, signal, turn }) => {
    const { photos, sound } = await fetchAll(source, { job, report, signal });
    const output = join(job.path, 'slideshow.mp4');
    const rendered = (slides: number) =>
      FETCH_PERCENT + Math.floor(((99 - FETCH_PERCENT) * slides) / photos.length);
    await turn(async () => {
      report({ stage: 'rendering', percent: FETCH_PERCENT });
      const onSlide = (slides: number) => report({ stage: 'rendering', percent: rendered(slides) });
      await renderer.render({ photos, sound, slideSeconds, output }, { onSlide, signal });
    });
    // The movie is kept; what it was made from is not needed again.
    await Promise.all([...photos, ...(sound ? [sound] : [])].map((path) => rm(path, { force: true })));
    return output;
  };
}

/** Fetches side by side. The first failure stops the others; nothing still writes when this returns. */
async function fetchAll(source: SlideshowSource, { job, report, signal }: Omit<WorkTools, 'turn'>) {
  const photos = Array.from({ length: source.photos }, (_, index) => join(job.path, `photo-${index + 1}`));
  const sound = source.fetchSound && join(job.path, 'sound');
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const fetches = photos.map((path, index) => () => source.fetchPhoto(index, path, either));
  // The longest file first.
  if (source.fetchSound && sound) {
    const { fetchSound } = source;
    fetches.unshift(() => fetchSound(sound, either));
  }
  const total = fetches.length;
  let done = 0;
  report({ stage: 'fetching', percent: 0 });
  const worker = async () => {
    for (let fetch = fetches.shift(); fetch; fetch = fetches.shift()) {
      either.throwIfAborted();
      await fetch();
      done += 1;
      report({ stage: 'fetching', percent: Math.floor((FETCH_PERCENT * done) / total) });
    }
  };
  const workers = Array.from({ length: FETCHES_AT_ONCE }, worker);
  try {
    await Promise.all(workers);
  } catch (error) {
    stop.abort(error);
    await Promise.allSettled(workers);
    throw error;
  }
  return { photos, sound };
}
