import { local, type Photo } from './api.ts';
import { h, icon } from './dom.ts';
import { type Report, saveLink } from './download.ts';
import { fill, t } from './language.ts';

/** So many are on the first screen; the others wait until they come near. */
const EAGER = 6;

/** Three rows; a post can have 35, and what can be saved should not be far below them. */
const FOLDED = 9;

/** Pixels that a finger has to go. */
const SWIPE = 48;

/** All photos small, each to be opened large and to be saved. They come through the service, not from the CDN. */
export function gallery(photos: Photo[], report: Report): HTMLElement {
  const viewer = photoViewer(photos, report);
  const list = h('ul', { 'data-columns': Math.min(photos.length, 3), 'aria-label': t.photos });
  const add = (from: number, to: number) => {
    const tiles = photos.slice(from, to).map((photo, at) => tile(photo, from + at));
    list.append(...tiles);
    return tiles[0];
  };
  const tile = (photo: Photo, index: number) => {
    const label = fill(t.view, { n: index + 1 });
    const open = () => viewer.open(index);
    const face = picture(photo, index, photos.length);
    return h(
      'li',
      {},
      h('button', { type: 'button', class: 'tile', 'aria-label': label, click: open }, face),
    );
  };
  const unfold = () => {
    more.remove();
    add(FOLDED, photos.length)?.querySelector('button')?.focus();
  };
  const more = h(
    'button',
    { type: 'button', class: 'more', click: unfold },
    fill(t.all, { n: photos.length }),
  );
  add(0, FOLDED);
  return h('div', { class: 'gallery' }, list, photos.length > FOLDED ? more : null, viewer.dialog);
}

function picture({ link, width, height }: Photo, index: number, count: number): HTMLElement {
  const image = h('img', {
    src: local(link),
    alt: fill(t.photo, { n: index + 1, m: count }),
    loading: index < EAGER ? 'eager' : 'lazy',
    decoding: 'async',
    width: width ?? 1080,
    height: height ?? 1440,
    // Formats such as HEIC, which only some browsers know.
    error: () => image.replaceWith(h('span', { class: 'unseen' }, t.unseen)),
  });
  return image;
}

/** A photo on the whole screen; the dialog keeps the focus, and gives it back at its end. */
function photoViewer(photos: Photo[], report: Report) {
  let at = 0;
  const stage = h('div', { class: 'stage' });
  const title = h('p', { class: 'viewer-title', 'aria-live': 'polite' });
  const saving = h('div');
  const round = (name: string, label: string, symbol: string, click: () => void) =>
    h('button', { type: 'button', class: `round ${name}`, 'aria-label': label, click }, icon(symbol));
  const close = () => dialog.close();
  const failed: Report = (...failure) => {
    close();
    report(...failure);
  };
  const show = (index: number) => {
    const photo = photos[index];
    if (!photo) return;
    at = index;
    title.textContent = fill(t.photo, { n: index + 1, m: photos.length });
    stage.replaceChildren(picture(photo, index, photos.length));
    const label = fill(t.save, { n: index + 1 });
    const focused = saving.contains(document.activeElement);
    const save = saveLink({ link: photo.link, label, primary: true, report: failed });
    saving.replaceChildren(save);
    // Else it would be lost with the link that is gone, and the arrow keys with it.
    if (focused) save.focus();
  };
  const step = (by: number) => show((at + by + photos.length) % photos.length);
  const arrows = [
    round('back', t.previous, 'next', () => step(-1)),
    round('forth', t.next, 'next', () => step(1)),
  ];
  const header = h('header', {}, title, saving, round('', t.close, 'close', close));
  const dialog: HTMLDialogElement = h(
    'dialog',
    { class: 'viewer', 'aria-label': t.photos },
    header,
    stage,
    ...(photos.length > 1 ? arrows : []),
  );
  dialog.addEventListener('keydown', ({ key }) => {
    const forth = document.dir === 'rtl' ? 'ArrowLeft' : 'ArrowRight';
    if (key === 'ArrowLeft' || key === 'ArrowRight') step(key === forth ? 1 : -1);
  });
  // A finger that goes sideways turns over; two fingers zoom.
  let from = 0;
  const finger = ({ touches, changedTouches }: TouchEvent) =>
    touches.length > 1 ? Number.NaN : (changedTouches[0]?.clientX ?? Number.NaN);
  stage.addEventListener(
    'touchstart',
    (event) => {
      from = finger(event);
    },
    { passive: true },
  );
  stage.addEventListener('touchend', (event) => {
    const moved = finger(event) - from;
    if (Math.abs(moved) > SWIPE && photos.length > 1) step(moved < 0 === (document.dir !== 'rtl') ? 1 : -1);
  });
  stage.addEventListener('click', ({ target }) => {
    if (target === stage) close();
  });
  const open = (index: number) => {
    show(index);
    dialog.showModal();
  };
  return { dialog, open };
}
