import { bdi, h, icon } from './dom.ts';

export interface Teaser {
  /** Empty where there is none. */
  picture: string;
  title: string;
  /** The @name without its @. */
  user: string;
}

/** A post in one row, which opens it. */
export function postButton({ picture, title, user }: Teaser, press: () => void): HTMLElement {
  const face = picture
    ? h('img', { src: picture, alt: '', width: 42, height: 56 })
    : h('span', { class: 'blank' }, icon('video'));
  const words = h('span', {}, title ? h('b', { dir: 'auto' }, title) : null, bdi(`@${user}`));
  return h('button', { class: 'visit', click: press }, face, words);
}
