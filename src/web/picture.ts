import { asJpeg, local, type Photo } from './api.ts';
import { h } from './dom.ts';
import { format, t } from './language.ts';

/** Photos that load at once; the others wait until they come near. */
const EAGER = 6;

/** @param address the address of the image for the photo's link */
export function picture(
  { link, width, height }: Photo,
  index: number,
  count: number,
  address: (link: string) => string,
): HTMLImageElement {
  let shown = '';
  const jpeg = () => local(asJpeg(link));
  let source = () => address(link);
  const image = h('img', {
    // What is shown needs no new link.
    src: () => shown || source(),
    alt: () => format(t.photo, { n: index + 1, m: count }),
    loading: index < EAGER ? 'eager' : 'lazy',
    decoding: 'async',
    width: width ?? 1080,
    height: height ?? 1440,
    load: () => {
      shown = image.getAttribute('src') ?? '';
    },
    // Some formats, such as HEIC, are known to some browsers only.
    error: () => {
      if (source === jpeg) return image.replaceWith(h('span', { class: 'unseen' }, () => t.unseen));
      source = jpeg;
      image.src = source();
    },
  });
  return image;
}
