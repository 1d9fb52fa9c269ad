import { type Photo, thumbnail } from './api.ts';
import { h, icon, refresh } from './dom.ts';
import { type Report, saveEach, shareButton } from './download.ts';
import { format, t } from './language.ts';
import { picture } from './picture.ts';
import { photoViewer } from './viewer.ts';

/** Photos that are shown at first; a post has up to 35. */
const FOLDED = 9;

export interface Gallery {
  element: HTMLElement;
  /** Marks photos as saved. */
  markSaved(indexes: number[]): void;
}

/** All photos small, each to be opened large, and some of them to be selected and saved. */
export function gallery(photos: Photo[], report: Report): Gallery {
  const saved = new Set<number>();
  const selected = new Set<number>();
  let selecting = false;
  const markSaved = (indexes: number[]) => {
    for (const index of indexes) saved.add(index);
    for (const index of indexes) tiles[index]?.parentElement?.classList.add('saved');
    refresh();
  };
  const viewer = photoViewer(photos, report, saved, markSaved);
  const tiles = photos.map((photo, index) => {
    const label = () => {
      const parts = [format(selecting ? t.selectPhoto : t.view, { n: index + 1 })];
      if (photo.live) parts.push(format(t.live, { n: index + 1 }));
      if (saved.has(index)) parts.push(t.saved);
      return parts.join(', ');
    };
    const press = () => (selecting ? toggle(index) : viewer.open(index));
    return h(
      'button',
      { class: 'tile', 'aria-label': label, click: press },
      picture(photo, index, photos.length, thumbnail),
      icon('check'),
      photo.live ? h('span', { class: 'live' }, icon('play')) : null,
    );
  });
  const list = h('ul', { 'data-columns': Math.min(photos.length, 3), 'aria-label': () => t.photos });
  const add = (from: number, to: number) =>
    list.append(...tiles.slice(from, to).map((tile) => h('li', {}, tile)));
  const bar = h('div', { class: 'selection', hidden: true });
  const showSelection = () => {
    for (const [index, tile] of tiles.entries())
      tile.ariaPressed = selecting ? String(selected.has(index)) : null;
    const indexes = [...selected].sort((a, b) => a - b);
    bar.hidden = !selecting;
    bar.replaceChildren(
      indexes.length === 0 ? h('p', {}, () => t.selectHint) : saveSelected(indexes),
      h('button', { click: () => select(false) }, () => t.cancel),
    );
    refresh();
  };
  const toggle = (index: number) => {
    if (!selected.delete(index)) selected.add(index);
    showSelection();
  };
  const select = (on: boolean) => {
    selecting = on;
    selected.clear();
    if (on) unfold();
    start.hidden = on;
    showSelection();
    if (!on) start.focus();
  };
  const linksOf = (indexes: number[]) => indexes.map((index) => photos[index]?.link ?? '');
  const download = (indexes: number[], attempt: number): Promise<void> =>
    saveEach(
      linksOf(indexes),
      (at) => markSaved(indexes.slice(at, at + 1)),
      (failure, at) => {
        report(failure, (next) => void download(indexes.slice(at), next), attempt, true);
        return false;
      },
    );
  const saveSelected = (indexes: number[]) => {
    const links = linksOf(indexes);
    const label = () => format(t.saveSelected, { n: indexes.length });
    const onSaved = () => markSaved(indexes);
    const fallback = () => void download(indexes, 0);
    return (
      shareButton({ links, label, report, onSaved, fallback }) ??
      h('button', { class: 'primary', click: fallback }, icon('save'), label)
    );
  };
  const start = h('button', { class: 'quiet', click: () => select(true) }, () => t.select);
  const more = h('button', { class: 'more' }, () => format(t.all, { n: photos.length }));
  const unfold = () => {
    if (!more.isConnected) return;
    more.remove();
    add(FOLDED, photos.length);
  };
  more.addEventListener('click', () => {
    unfold();
    tiles[FOLDED]?.focus();
  });
  add(0, FOLDED);
  const several = photos.length > 1;
  const element = h(
    'div',
    { class: 'gallery' },
    several ? start : null,
    list,
    photos.length > FOLDED ? more : null,
    several ? bar : null,
    viewer.dialog,
  );
  return { element, markSaved };
}
