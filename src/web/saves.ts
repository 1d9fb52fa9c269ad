import type { Format, Post } from './api.ts';
import { h } from './dom.ts';
import { type Report, saveLink } from './download.ts';
import { bytes, languageName, t } from './language.ts';

/** The files of a video, the one most visitors want first. */
export function videoSaves({ download_link: links, formats = [] }: Post, report: Report): HTMLElement[] {
  const about = (link: string) => {
    const format = formats.find((one) => one.link === link);
    return format ? measures(format, shortSide(format)) : [];
  };
  const plain = [links.no_watermark].flat()[0];
  // Where there is one rendition only, both names lead to it.
  const hd = links.no_watermark_hd === plain ? undefined : links.no_watermark_hd;
  const { mp3, watermark } = links;
  const detail = (link: string) => join(t.clean, ...about(link));
  return [
    hd && saveLink({ link: hd, label: t.hd, detail: detail(hd), primary: true, report }),
    plain && saveLink({ link: plain, label: t.plain, detail: detail(plain), primary: !hd, report }),
    mp3 && saveLink({ link: mp3, label: t.mp3, symbol: 'sound', report }),
    watermark && saveLink({ link: watermark, label: t.watermark, detail: join(...about(watermark)), report }),
  ].filter((save) => save instanceof HTMLElement);
}

/** What a photo post has beside each of its photos. */
export function photoSaves({ download_link: { zip, mp3 } }: Post, report: Report): HTMLElement[] {
  return [
    zip && saveLink({ link: zip, label: t.zip, symbol: 'zip', primary: true, report }),
    mp3 && saveLink({ link: mp3, label: t.mp3, symbol: 'sound', report }),
  ].filter((save) => save instanceof HTMLElement);
}

export function subtitleSaves({ subtitles = [] }: Post, report: Report): HTMLElement | null {
  if (subtitles.length === 0) return null;
  const saves = subtitles.map(({ link, language, source, format }) => {
    // Speech recognition and machine translation, as TikTok names them.
    const detail = join(format.toUpperCase(), source === 'ASR' || source === 'MT' ? t.machine : '');
    return saveLink({ link, label: languageName(language), detail, symbol: 'text', report });
  });
  return h('div', {}, h('h3', {}, t.subtitles), h('div', { class: 'saves' }, ...saves));
}

export function formatSaves({ formats = [] }: Post, report: Report): HTMLElement | null {
  if (formats.length < 2) return null;
  const saves = formats.map((format) => {
    const notes = [format.has_audio ? '' : t.silent, format.watermark ? t.watermark : ''];
    const detail = join(...measures(format, fullSize(format)), ...notes);
    return saveLink({ link: format.link, label: format.codec.toUpperCase(), detail, report });
  });
  return h('details', {}, h('summary', {}, t.formats), h('div', { class: 'saves' }, ...saves));
}

/** The name that people know a resolution by. */
function shortSide({ width, height }: Format): string {
  return width && height ? `${Math.min(width, height)}p` : '';
}

function fullSize({ width, height }: Format): string {
  return width && height ? `${width}×${height}` : '';
}

function measures({ size }: Format, resolution: string): string[] {
  return [resolution, size ? bytes(size) : ''];
}

/** Each part an island of its own (FSI, PDI): between Arabic words "1080p · 2.4" would change places. */
function join(...parts: string[]): string {
  return parts
    .filter(Boolean)
    .map((part) => `\u2068${part}\u2069`)
    .join(' · ');
}
