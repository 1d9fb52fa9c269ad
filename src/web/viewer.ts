import { asJpeg, isJpeg, local, type Photo, thumbnail } from './api.ts';
import { h, icon, refresh } from './dom.ts';
import { type Report, saveLink, shareButton } from './download.ts';
import { format, number, t } from './language.ts';
import { picture } from './picture.ts';

/** Pixels that a finger has to move. */
const SWIPE = 48;

/** Set while the dialog closes because of the browser's way back, which has left its entry already. */
let leaving = false;

/** Closes the viewer for the browser's way back. @returns whether it was open */
export function closeViewer(): boolean {
  const dialog = document.querySelector<HTMLDialogElement>('dialog[open]');
  leaving = dialog !== null;
  dialog?.close();
  return dialog !== null;
}

/**
 * A photo on the whole screen, with a history entry of its own. The dialog keeps the focus and gives it back.
 * @param saved indexes of the photos that were saved
 */
export function photoViewer(
  photos: Photo[],
  report: Report,
  saved: ReadonlySet<number>,
  markSaved: (indexes: number[]) => void,
) {
  let at = 0;
  const position = (text: string) => format(text, { n: at + 1, m: photos.length });
  const stage = h('div', { class: 'stage' });
  const title = h(
    'p',
    { class: 'viewer-title', 'aria-live': 'polite' },
    h('span', { class: 'sr' }, () => position(t.photo)),
    h('span', { 'aria-hidden': 'true' }, () => position('{n} / {m}')),
    () => (saved.has(at) ? ' ✓' : ''),
  );
  const saving = h('div');
  const round = (name: string, label: () => string, symbol: string, click: () => void) =>
    h('button', { class: `round ${name}`, 'aria-label': label, click }, icon(symbol));
  const close = () => dialog.close();
  const show = (index: number) => {
    const photo = photos[index];
    if (!photo) return;
    at = index;
    const image = picture(photo, index, photos.length, local);
    // The small picture is there already while the large one comes.
    image.style.background = `center / contain no-repeat url("${thumbnail(photo.link)}")`;
    image.addEventListener('load', () => image.removeAttribute('style'));
    const label = () => format(t.save, { n: number(index + 1) });
    const onSaved = () => markSaved([index]);
    const jpeg = () => saveLink({ link: asJpeg(photo.link), label, detail: () => 'JPEG', report, onSaved });
    stage.replaceChildren(
      ...(photo.live ? livePhoto(photo, photo.live.link, image, index, report) : [image]),
      ...(isJpeg(photo) ? [] : [jpeg()]),
    );
    const focused = saving.contains(document.activeElement);
    const link = saveLink({ link: photo.link, label, primary: true, report, onSaved });
    const sharing = shareButton({
      links: [photo.link],
      label,
      report,
      onSaved,
      fallback: () => link.click(),
    });
    const button = sharing ?? link;
    saving.replaceChildren(button);
    refresh();
    // The arrow keys would be lost with the focus.
    if (focused) button.focus();
  };
  const step = (by: number) => show((at + by + photos.length) % photos.length);
  const arrows = [
    round(
      'back',
      () => t.previous,
      'next',
      () => step(-1),
    ),
    round(
      'forth',
      () => t.next,
      'next',
      () => step(1),
    ),
  ];
  const header = h(
    'header',
    {},
    title,
    saving,
    round('', () => t.close, 'close', close),
  );
  const dialog: HTMLDialogElement = h(
    'dialog',
    { class: 'viewer', 'aria-label': () => t.photos },
    header,
    stage,
    ...(photos.length > 1 ? arrows : []),
  );
  dialog.addEventListener('keydown', ({ key }) => {
    const forth = document.dir === 'rtl' ? 'ArrowLeft' : 'ArrowRight';
    if (key === 'ArrowLeft' || key === 'ArrowRight') step(key === forth ? 1 : -1);
  });
  dialog.addEventListener('close', () => {
    if (!leaving && (history.state as { viewer?: true } | null)?.viewer) history.back();
    leaving = false;
  });
  startSwipes(stage, close, (by) => photos.length > 1 && step(by));
  stage.addEventListener('click', ({ target }) => {
    if (target === stage) close();
  });
  const open = (index: number) => {
    show(index);
    history.pushState({ viewer: true }, '');
    dialog.showModal();
  };
  return { dialog, open };
}

/** The clip of a live photo plays in the place of its picture, which stays where the clip cannot be played. */
function livePhoto(
  photo: Photo,
  link: string,
  image: HTMLElement,
  index: number,
  report: Report,
): HTMLElement[] {
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
  const clip = h('video', {
    poster: local(photo.link),
    loop: true,
    playsinline: true,
    controls: still,
    'aria-label': () => format(t.live, { n: index + 1 }),
    canplay: () => void (still || clip.play().catch(() => undefined)),
    error: () => clip.replaceWith(image),
  });
  // Browsers let only silent videos begin by themselves, and ignore the attribute of a video made by a script.
  clip.muted = true;
  clip.src = local(link);
  const label = () => format(t.saveClip, { n: number(index + 1) });
  return [clip, saveLink({ link, label, symbol: 'video', report })];
}

/** One finger turns over sideways and closes downwards; two fingers zoom, and one then moves the picture. */
function startSwipes(stage: HTMLElement, close: () => void, step: (by: number) => void): void {
  let from: Touch | null = null;
  stage.addEventListener(
    'touchstart',
    ({ touches }) => {
      from = touches.length === 1 ? (touches[0] ?? null) : null;
    },
    { passive: true },
  );
  stage.addEventListener('touchend', ({ touches, changedTouches }) => {
    const to = changedTouches[0];
    if (!from || !to || touches.length > 0 || (visualViewport?.scale ?? 1) > 1.01) return;
    const [x, y] = [to.clientX - from.clientX, to.clientY - from.clientY];
    from = null;
    if (y > SWIPE && y > Math.abs(x)) close();
    else if (Math.abs(x) > SWIPE && Math.abs(x) > Math.abs(y))
      step(x < 0 === (document.dir !== 'rtl') ? 1 : -1);
  });
}
