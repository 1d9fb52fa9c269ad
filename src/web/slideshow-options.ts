import { choice } from './choice.ts';
import { h } from './dom.ts';
import { t } from './language.ts';

/** Seconds of each slide; '' leaves them to the service. */
const SECONDS = ['', '1', '2', '3', '6'];
/** Width and height; the first is the service's own choice. */
const CANVASES = ['9x16', '4x5', '1x1', '16x9', 'auto'];
/** Seconds that a slideshow may have. */
const LONGEST = 300;

export interface SlideshowOptions {
  element: HTMLElement;
  /** As they stand in the query; '' where all are the service's own. */
  query(): string;
  /** Width and height of the slideshow in pixels; null where the photos decide. */
  canvas(): [width: number, height: number] | null;
  enable(on: boolean): void;
}

/** The seconds, the shape and the music of a slideshow. */
export function slideshowOptions(photos: number, hasSound: boolean, changed: () => void): SlideshowOptions {
  const chosen = { seconds: '', canvas: '9x16', music: 'fit' };
  const set = (name: keyof typeof chosen) => (value: string) => {
    chosen[name] = value;
    // The song decides.
    seconds.disabled = chosen.music === 'whole';
    changed();
  };
  const seconds = choice(
    () => t.seconds,
    SECONDS.filter((value) => Number(value) * photos <= LONGEST).map((value) => [
      value,
      () => value || t.auto,
    ]),
    set('seconds'),
  );
  const canvas = choice(
    () => t.canvas,
    CANVASES.map((value) => [value, () => (value === 'auto' ? t.auto : value.replace('x', ':'))]),
    set('canvas'),
  );
  const music = choice(
    () => t.music,
    [
      ['fit', () => t.fit],
      ['whole', () => t.whole],
    ],
    set('music'),
  );
  const all = h('fieldset', {}, seconds, canvas, hasSound ? music : null);
  return {
    element: h(
      'details',
      {},
      h('summary', {}, () => t.options),
      all,
    ),
    query: () => {
      const { seconds, canvas, music } = chosen;
      return [
        music === 'fit' && seconds && `&seconds=${seconds}`,
        canvas !== '9x16' && `&canvas=${canvas}`,
        music === 'whole' && '&music=whole',
      ]
        .filter(Boolean)
        .join('');
    },
    canvas: () => {
      const [width, height] = chosen.canvas.split('x').map((side) => Number(side) * 120);
      return width && height ? [width, height] : null;
    },
    enable: (on) => {
      all.disabled = !on;
    },
  };
}
