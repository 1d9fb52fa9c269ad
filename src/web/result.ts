import { local, type Post } from './api.ts';
import { bdi, h, icon, refresh } from './dom.ts';
import type { Report } from './download.ts';
import { captionOf } from './history.ts';
import { compact, day, duration, format, number, t, time } from './language.ts';
import { gallery } from './photos.ts';
import { player } from './player.ts';
import { formatSaves, photoSaves, soundSaves, subtitleSaves, videoSaves } from './saves.ts';
import { slideshow } from './slideshow.ts';

/** Characters and lines above which a caption is folded. */
const LONG_CAPTION = 120;
const CAPTION_LINES = 3;

/** The card of a post: what it is, and everything that can be saved of it. What is saved most stands first. */
export function resultCard(post: Post, report: Report): HTMLElement {
  const photos = post.photos ? gallery(post.photos, report) : null;
  const all = (post.photos ?? []).map((_, index) => index);
  const saves = photos ? photoSaves(post, report, () => photos.markSaved(all)) : videoSaves(post, report);
  const head = h(
    'div',
    { class: 'head' },
    author(post),
    caption(captionOf(post)),
    h('h3', { class: 'sr' }, () => t.downloads),
    h('div', { class: 'saves' }, ...saves),
  );
  const size = sizeOf(post);
  const media = h('div', { class: 'media' }, photos ? photos.element : video(post, size, report));
  const rest = h(
    'div',
    { class: 'rest' },
    statistics(post),
    subtitleSaves(post, report),
    soundSaves(post, report),
    formatSaves(post, report),
    slideshow(post, report),
    footer(post),
  );
  const wide = size.width > size.height ? ' wide' : '';
  return h(
    'article',
    { class: photos ? 'card result wide' : `card result${wide}`, 'aria-labelledby': 'result-title' },
    // The photos of a post can be longer than the screen, a video cannot.
    ...(photos ? [head, media, rest] : [media, head, rest]),
  );
}

function caption(text: string): HTMLElement | null {
  if (text === '') return null;
  const paragraph = h('p', { class: 'caption', dir: 'auto' }, text);
  if (text.length <= LONG_CAPTION && text.split('\n').length <= CAPTION_LINES) return paragraph;
  paragraph.classList.add('folded');
  const isFolded = () => paragraph.classList.contains('folded');
  const fold = () => {
    button.ariaExpanded = String(!paragraph.classList.toggle('folded'));
    refresh();
  };
  const button = h('button', { class: 'quiet', 'aria-expanded': 'false', click: fold }, () =>
    isFolded() ? t.more : t.less,
  );
  return h('div', { class: 'caption-box' }, paragraph, button);
}

function author(post: Post): HTMLElement {
  const { nickname, uniqueId } = post.author;
  const name = nickname || uniqueId;
  const avatar = h('div', { class: 'avatar', 'aria-hidden': 'true' }, [...name][0] ?? '');
  if (post.images.avatar) {
    const size = { width: 48, height: 48 };
    const image = h('img', { src: local(post.images.avatar), alt: '', ...size, error: () => image.remove() });
    avatar.append(image);
  }
  const created = post.created_at;
  const length = post.photos ? 0 : (post.duration ?? 0);
  return h(
    'header',
    { class: 'author' },
    avatar,
    h(
      'div',
      {},
      h('h2', { id: 'result-title', tabindex: -1 }, bdi(name)),
      h(
        'p',
        {},
        bdi(`@${uniqueId}`),
        created ? h('time', { datetime: created }, () => day(created)) : null,
        length > 0 ? h('span', { class: 'length' }, () => duration(length)) : null,
      ),
    ),
  );
}

function statistics({ statistics: counts }: Post): HTMLElement {
  const entry = (symbol: string, name: () => string, value: number) =>
    h(
      'div',
      { title: () => `${name()}: ${number(value)}` },
      h('dt', {}, icon(symbol), h('span', { class: 'sr' }, name)),
      h('dd', {}, () => compact(value)),
    );
  return h(
    'dl',
    { class: 'statistics' },
    entry('play', () => t.plays, counts.play_count),
    entry('like', () => t.likes, counts.digg_count),
    entry('comment', () => t.comments, counts.comment_count),
    entry('share', () => t.shares, counts.share_count),
    entry('keep', () => t.saves, counts.collect_count),
  );
}

function video({ images: { cover }, download_link: links }: Post, { width, height }: Size, report: Report) {
  const link = [links.no_watermark].flat()[0] ?? '';
  const poster = cover && local(cover);
  return player({
    src: () => local(`${link}&inline=1`),
    link,
    label: () => t.plain,
    width,
    height,
    poster,
    report,
  });
}

interface Size {
  width: number;
  height: number;
}

/** Of the video in the player. */
function sizeOf({ download_link: links, formats = [] }: Post): Size {
  const found = formats.find((one) => one.link === [links.no_watermark].flat()[0]);
  return { width: found?.width ?? 576, height: found?.height ?? 1024 };
}

function footer(post: Post): HTMLElement {
  const { url } = post;
  const original = h('a', { href: url, target: '_blank', rel: 'noreferrer' }, () => t.original);
  return h(
    'footer',
    { class: 'foot' },
    h('span', {}, () => format(t.expires, { time: time(post.links_expire_at) })),
    url.startsWith('https://') ? original : null,
  );
}

/** Stands where the post will be, with what the page does meanwhile, and a button that gives it up. */
export function skeleton(words: () => string, cancel: () => void): HTMLElement {
  const lines = ['author', 'caption', 'save', 'save', 'save'];
  const shape = h('div', { class: 'media', 'aria-hidden': 'true' });
  return h(
    'div',
    { class: 'card result skeleton' },
    h(
      'p',
      { class: 'wait' },
      h('span', {}, words),
      h('button', { class: 'quiet', click: cancel }, () => t.cancel),
    ),
    shape,
    h('div', { class: 'head', 'aria-hidden': 'true' }, ...lines.map((name) => h('i', { class: name }))),
  );
}
