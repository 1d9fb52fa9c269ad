import { local, type Post } from './api.ts';
import { byId, h, icon } from './dom.ts';
import { format, t } from './language.ts';
import { postButton } from './post-button.ts';
import { readItem, writeItem } from './storage.ts';

/** A post that was shown before. Kept in this browser and sent nowhere. */
interface Visit {
  id: string;
  url: string;
  title: string;
  user: string;
  /** A small picture as a data: address, because the links of the post expire. */
  picture: string;
}

const KEY = 'history';
const OFF_KEY = 'history-off';
const MAX_VISITS = 12;
const PICTURE = { width: 84, height: 112 };

function readVisits(): Visit[] {
  try {
    const list: unknown = JSON.parse(readItem(KEY) ?? '[]');
    return Array.isArray(list) ? list : [];
  } catch {
    return [];
  }
}

function writeVisits(list: Visit[]): void {
  writeItem(KEY, list.length === 0 ? null : JSON.stringify(list.slice(0, MAX_VISITS)));
}

const isOff = () => readItem(OFF_KEY) !== null;

/** Puts the post on top of the history, unless that is off. */
export async function remember(post: Post): Promise<void> {
  if (isOff()) return;
  const { id, url, author, images, photos } = post;
  const visit = { id, url, title: captionOf(post).slice(0, 120), user: author.uniqueId, picture: '' };
  writeVisits([visit, ...readVisits().filter((other) => other.id !== id)]);
  const source = images.cover || photos?.[0]?.link;
  const picture = source ? await shrink(local(source)).catch(() => '') : '';
  writeVisits(readVisits().map((other) => (other.id === id ? { ...other, picture } : other)));
}

/** The post's caption; '' where `title` is made up because there is none. */
export function captionOf({ title, description }: Post): string {
  return description === '' && /^(TikTok|Douyin) \w+ #\d+$/.test(title) ? '' : title;
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

/** Shows the history, or hides its section where it is empty. */
export function showHistory(open: (url: string) => void): void {
  const section = byId('history');
  const list = readVisits();
  const show = () => showHistory(open);
  section.hidden = list.length === 0;
  const change = (left: Visit[]) => {
    writeVisits(left);
    show();
    byId(section.hidden ? 'link' : 'history-title').focus();
  };
  const clear = () => {
    writeVisits([]);
    const undo = h('button', { class: 'quiet', click: () => change(list) }, () => t.undo);
    section.replaceChildren(h('p', { class: 'cleared', role: 'status' }, () => t.cleared, undo));
    undo.focus();
  };
  const remove = ({ id }: Visit) => change(readVisits().filter((other) => other.id !== id));
  section.replaceChildren(
    h(
      'header',
      {},
      h('h2', { id: 'history-title', tabindex: -1 }, () => t.history),
      h('button', { class: 'quiet', click: clear }, () => t.clearHistory),
    ),
    h('ul', {}, ...list.map((visit) => row(visit, open, remove))),
  );
}

function row(visit: Visit, open: (url: string) => void, remove: (visit: Visit) => void): HTMLElement {
  const { url, title, user, picture } = visit;
  const known = picture.startsWith('data:image/jpeg') ? picture : '';
  const label = () => format(t.remove, { title: title || `@${user}` });
  return h(
    'li',
    {},
    postButton({ picture: known, title, user }, () => open(url)),
    h('button', { class: 'round', 'aria-label': label, click: () => remove(visit) }, icon('close')),
  );
}

/** The switch in the footer, and the changes that other tabs make. */
export function startHistory(open: (url: string) => void): void {
  const toggle = () => {
    const off = !isOff();
    writeItem(OFF_KEY, off ? '1' : null);
    if (off) writeVisits([]);
    showSwitch();
    showHistory(open);
  };
  const place = byId('history-switch');
  const showSwitch = () =>
    place.replaceChildren(
      h('button', { class: 'quiet', click: toggle }, () => (isOff() ? t.historyOn : t.historyOff)),
    );
  window.addEventListener('storage', () => {
    showSwitch();
    showHistory(open);
  });
  showSwitch();
  showHistory(open);
}
