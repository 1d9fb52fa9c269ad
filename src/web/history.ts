import { local, type Post } from './api.ts';
import { bdi, byId, h, icon } from './dom.ts';
import { keep, kept } from './kept.ts';
import { fill, t } from './language.ts';

/** A post that was shown here before. Kept in this browser and sent nowhere. */
interface Visit {
  id: string;
  url: string;
  title: string;
  user: string;
  /** A tiny picture as a data: address: the links of the post die, this stays. */
  picture: string;
}

const KEY = 'history';
const MAX_VISITS = 12;
const PICTURE = { width: 84, height: 112 };

function visits(): Visit[] {
  try {
    const list: unknown = JSON.parse(kept(KEY) ?? '[]');
    return Array.isArray(list) ? list : [];
  } catch {
    return [];
  }
}

function write(list: Visit[]): void {
  keep(KEY, list.length === 0 ? null : JSON.stringify(list.slice(0, MAX_VISITS)));
}

/** Puts the post on top of the history. */
export async function remember({ id, url, title, author, images, photos }: Post): Promise<void> {
  const visit = { id, url, title: title.slice(0, 120), user: author.uniqueId, picture: '' };
  write([visit, ...visits().filter((other) => other.id !== id)]);
  const source = images.cover || photos?.[0]?.link;
  const picture = source ? await shrink(local(source)).catch(() => '') : '';
  write(visits().map((other) => (other.id === id ? { ...other, picture } : other)));
}

async function shrink(source: string): Promise<string> {
  const image = new Image();
  image.src = source;
  await image.decode();
  const canvas = h('canvas', PICTURE);
  const scale = Math.max(PICTURE.width / image.width, PICTURE.height / image.height);
  const [width, height] = [image.width * scale, image.height * scale];
  const [x, y] = [(PICTURE.width - width) / 2, (PICTURE.height - height) / 2];
  canvas.getContext('2d')?.drawImage(image, x, y, width, height);
  return canvas.toDataURL('image/jpeg', 0.7);
}

/** Shows the history, or hides its section where there is none. */
export function showHistory(open: (url: string) => void): void {
  const section = byId('history');
  const list = visits();
  section.hidden = list.length === 0;
  const change = (left: Visit[]) => {
    write(left);
    showHistory(open);
    byId(section.hidden ? 'link' : 'history-title').focus();
  };
  const forget = h('button', { type: 'button', class: 'quiet', click: () => change([]) }, t.forget);
  const remove = ({ id }: Visit) => change(visits().filter((other) => other.id !== id));
  section.replaceChildren(
    h('header', {}, h('h2', { id: 'history-title', tabindex: -1 }, t.history), forget),
    h('ul', {}, ...list.map((visit) => row(visit, open, remove))),
  );
}

function row(visit: Visit, open: (url: string) => void, remove: (visit: Visit) => void): HTMLElement {
  const { url, title, user, picture } = visit;
  const face = picture.startsWith('data:image/jpeg')
    ? h('img', { src: picture, alt: '', width: 42, height: 56 })
    : h('span', { class: 'blank' }, icon('film'));
  const words = h('span', {}, h('b', { dir: 'auto' }, title), bdi(`@${user}`));
  const label = fill(t.remove, { title });
  return h(
    'li',
    {},
    h('button', { type: 'button', class: 'visit', click: () => open(url) }, face, words),
    h(
      'button',
      { type: 'button', class: 'round', 'aria-label': label, click: () => remove(visit) },
      icon('close'),
    ),
  );
}
