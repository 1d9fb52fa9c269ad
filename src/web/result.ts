import { inline, local, type Post } from './api.ts';
import { bdi, h, icon } from './dom.ts';
import type { Report } from './download.ts';
import { compact, day, fill, number, t, time } from './language.ts';
import { gallery } from './photos.ts';
import { player } from './player.ts';
import { formatSaves, photoSaves, subtitleSaves, videoSaves } from './saves.ts';
import { slideshow } from './slideshow.ts';

/** Characters that fill some eight lines. */
const LONG_CAPTION = 400;

/** The card of a post: what it is, to be seen and heard, and everything that can be saved of it. */
export function resultCard(post: Post, report: Report): HTMLElement {
  const saves = post.photos ? photoSaves(post, report) : videoSaves(post, report);
  const size = sizeOf(post);
  const wide = post.photos || size.width > size.height;
  return h(
    'article',
    { class: wide ? 'card result wide' : 'card result', 'aria-labelledby': 'result-title' },
    h('div', { class: 'media' }, post.photos ? gallery(post.photos, report) : video(post, size, report)),
    h(
      'div',
      { class: 'facts' },
      author(post),
      caption(post.title),
      statistics(post),
      h('h3', {}, t.downloads),
      h('div', { class: 'saves' }, ...saves),
      subtitleSaves(post, report),
      formatSaves(post, report),
      post.download_slideshow_link ? slideshow(post.download_slideshow_link, report) : null,
      footer(post),
    ),
  );
}

/** A long one scrolls, and what scrolls has to be within reach of the keyboard. */
function caption(text: string): HTMLElement {
  const long = text.length > LONG_CAPTION;
  return h(
    'p',
    { class: long ? 'caption long' : 'caption', dir: 'auto', ...(long && { tabindex: 0 }) },
    text,
  );
}

function author({ author: { nickname, uniqueId }, images, created_at: created }: Post): HTMLElement {
  const name = nickname || uniqueId;
  const avatar = h('div', { class: 'avatar', 'aria-hidden': 'true' }, [...name][0] ?? '');
  if (images.avatar) {
    const size = { width: 48, height: 48 };
    const image = h('img', { src: local(images.avatar), alt: '', ...size, error: () => image.remove() });
    avatar.append(image);
  }
  const date = created ? h('time', { datetime: created }, day(created)) : null;
  return h(
    'header',
    { class: 'author' },
    avatar,
    h(
      'div',
      {},
      h('h2', { id: 'result-title', tabindex: -1 }, bdi(name)),
      h('p', {}, bdi(`@${uniqueId}`), date),
    ),
  );
}

function statistics({ statistics: counts }: Post): HTMLElement {
  const entry = (symbol: string, name: string, value: number) =>
    h(
      'div',
      { title: `${name}: ${number(value)}` },
      h('dt', {}, icon(symbol), h('span', { class: 'sr' }, name)),
      h('dd', {}, compact(value)),
    );
  return h(
    'dl',
    { class: 'statistics' },
    entry('play', t.plays, counts.play_count),
    entry('like', t.likes, counts.digg_count),
    entry('comment', t.comments, counts.comment_count),
    entry('share', t.shares, counts.share_count),
    entry('keep', t.saves, counts.collect_count),
  );
}

function video({ images: { cover }, download_link: links }: Post, { width, height }: Size, report: Report) {
  const link = [links.no_watermark].flat()[0] ?? '';
  const poster = cover && local(cover);
  return player({ src: inline(link), link, label: t.plain, width, height, poster, report });
}

interface Size {
  width: number;
  height: number;
}

/** Of the video in the player. */
function sizeOf({ download_link: links, formats = [] }: Post): Size {
  const shown = formats.find(({ link }) => link === [links.no_watermark].flat()[0]);
  return { width: shown?.width ?? 576, height: shown?.height ?? 1024 };
}

function footer({ url, links_expire_at: expires }: Post): HTMLElement {
  const original = h('a', { href: url, target: '_blank', rel: 'noreferrer' }, t.original);
  return h(
    'footer',
    { class: 'foot' },
    h('span', {}, fill(t.expires, { time: time(expires) })),
    url.startsWith('https://') ? original : null,
  );
}

/** As large as what will stand there, so that little moves when it comes. */
export function skeleton(words: string): HTMLElement {
  const lines = ['author', 'caption', 'statistics', 'save', 'save', 'save'];
  return h(
    'div',
    { class: 'card result skeleton', 'aria-hidden': 'true' },
    h('div', { class: 'media' }),
    h('div', { class: 'facts' }, h('p', {}, words), ...lines.map((name) => h('i', { class: name }))),
  );
}
