import { ServiceError } from '../errors.ts';
import { MAX_SLIDESHOW_SECONDS } from '../renders/index.ts';
import type { Size } from './plan.ts';

/** Canvases by name, in pixels. */
export const CANVASES = {
  '9x16': { width: 1080, height: 1920 },
  '4x5': { width: 1080, height: 1350 },
  '1x1': { width: 1080, height: 1080 },
  '16x9': { width: 1920, height: 1080 },
} as const satisfies Record<string, Size>;

export type CanvasName = keyof typeof CANVASES | 'auto';

export interface SlideshowOptions {
  /** Seconds of each slide. */
  seconds: number;
  /** `auto` takes the shape of the photos. */
  canvas: CanvasName;
  /** `fit` loops or cuts the music; `whole` spreads the slides over it. */
  music: 'fit' | 'whole';
}

/** Distinguishes the slideshows of one post; empty for the defaults. */
export function optionsKey(options: SlideshowOptions, defaults: SlideshowOptions): string {
  const { seconds, canvas, music } = options;
  if (seconds === defaults.seconds && canvas === defaults.canvas && music === defaults.music) return '';
  return `?seconds=${music === 'whole' ? '' : seconds}&canvas=${canvas}&music=${music}`;
}

/** @throws ServiceError `invalid_request` where a slideshow would be longer than MAX_SLIDESHOW_SECONDS */
export function assertLength(seconds: number): void {
  if (seconds <= MAX_SLIDESHOW_SECONDS) return;
  const message = `The slideshow would be longer than ${MAX_SLIDESHOW_SECONDS / 60} minutes.`;
  throw new ServiceError('invalid_request', { message });
}
