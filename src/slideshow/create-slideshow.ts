import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { mapLimited } from '../concurrency/index.ts';
import type { Produce, RenderTools } from '../renders/index.ts';
import { CANVASES, type SlideshowOptions } from './options.ts';
import type { SlideshowRenderer } from './renderer.ts';

type FetchPart = (toPath: string, signal: AbortSignal) => Promise<void>;

/** The photos and the music of one post. Each call writes a whole file or throws. */
export interface SlideshowSource {
  photos: number;
  fetchPhoto: (index: number, toPath: string, signal: AbortSignal) => Promise<void>;
  /** Null for a photo that is not a live one. */
  fetchClip?: (index: number) => FetchPart | null;
  /** Null for a post without music. */
  fetchSound: FetchPart | null;
}

/** As many as a browser opens to one host. */
const FETCHES_AT_ONCE = 6;
/** Share of the progress bar that fetching takes. */
const FETCH_PERCENT = 40;

/** The work of one slideshow, for `RenderCache.get`: fetch everything, then render. */
export function createSlideshow(
  source: SlideshowSource,
  { seconds, canvas, music }: SlideshowOptions,
  renderer: SlideshowRenderer,
): Produce {
  return async ({ job, report, signal, withSlot }) => {
    const { photos, clips, sound } = await fetchAll(source, { job, report, signal });
    const output = join(job.path, 'slideshow.mp4');
    const rendered = (slides: number) =>
      FETCH_PERCENT + Math.floor(((99 - FETCH_PERCENT) * slides) / photos.length);
    await withSlot(async () => {
      report({ stage: 'rendering', percent: FETCH_PERCENT });
      const onSlide = (slides: number) => report({ stage: 'rendering', percent: rendered(slides) });
      const request = {
        photos,
        clips,
        sound,
        slideSeconds: music === 'whole' && sound !== null ? null : seconds,
        canvas: canvas === 'auto' ? canvas : CANVASES[canvas],
        output,
      };
      await renderer.render(request, { onSlide, signal });
    });
    const parts = [...photos, ...clips, sound].filter((path) => path !== null);
    await Promise.all(parts.map((path) => rm(path, { force: true })));
    return output;
  };
}

/** Fetches side by side, the sound first: it is the longest file. */
async function fetchAll(source: SlideshowSource, { job, report, signal }: Omit<RenderTools, 'withSlot'>) {
  const photos = Array.from({ length: source.photos }, (_, index) => join(job.path, `photo-${index + 1}`));
  const sound = source.fetchSound && join(job.path, 'sound');
  const clips: (string | null)[] = photos.map(() => null);
  const fetchClip = async (fetch: FetchPart, index: number, either: AbortSignal) => {
    const path = join(job.path, `clip-${index + 1}`);
    try {
      await fetch(path, either);
      clips[index] = path;
    } catch {
      // The still takes its place. An abort is noticed by mapLimited.
      await rm(path, { force: true });
    }
  };
  const { fetchSound } = source;
  const fetches = [
    ...(fetchSound && sound ? [(either: AbortSignal) => fetchSound(sound, either)] : []),
    ...photos.map((path, index) => (either: AbortSignal) => source.fetchPhoto(index, path, either)),
    ...photos.flatMap((_, index) => {
      const fetch = source.fetchClip?.(index);
      return fetch ? [(either: AbortSignal) => fetchClip(fetch, index, either)] : [];
    }),
  ];
  let done = 0;
  report({ stage: 'fetching', percent: 0 });
  const fetchOne = async (fetch: (typeof fetches)[number], _index: number, either: AbortSignal) => {
    await fetch(either);
    done += 1;
    report({ stage: 'fetching', percent: Math.floor((FETCH_PERCENT * done) / fetches.length) });
  };
  await mapLimited(fetches, FETCHES_AT_ONCE, fetchOne, signal);
  return { photos, clips, sound };
}
