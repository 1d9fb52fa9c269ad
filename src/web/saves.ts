import type { Format, Post } from './api.ts';
import { h } from './dom.ts';
import { type Report, save, saveLink, shareButton } from './download.ts';
import { bytes, duration, format, languageName, t } from './language.ts';

const HEVC = /^(h265|hevc|bytevc1)$/;
/** No browser and no player of a phone decodes ByteDance's own codec. */
const UNPLAYABLE = 'bytevc2';

/** The files of a video, the one that most people want first. */
export function videoSaves(post: Post, report: Report): HTMLElement[] {
  const { download_link: links, formats = [] } = post;
  const find = (link: string) => formats.find((one) => one.link === link);
  const about = (link: string) => {
    const found = find(link);
    return found ? [HEVC.test(found.codec) ? 'HEVC' : '', shortSide(found), sizeOf(found)] : [];
  };
  const plain = [links.no_watermark].flat()[0];
  // Where there is one rendition only, both names lead to it.
  const hd = links.no_watermark_hd === plain ? undefined : links.no_watermark_hd;
  const best = hd ?? plain;
  const { watermark } = links;
  const detail = (link: string) => () => join(t.clean, ...about(link));
  const sharing =
    best &&
    shareButton({
      links: [best],
      label: () => t.shareVideo,
      detail: () => t.shareHint,
      size: find(best)?.size ?? null,
      report,
      fallback: () => save(best),
    });
  const primary = !sharing;
  return [
    sharing,
    hd && saveLink({ link: hd, label: () => t.hd, detail: detail(hd), primary, report }),
    plain &&
      saveLink({ link: plain, label: () => t.plain, detail: detail(plain), primary: primary && !hd, report }),
    soundSave(post, report),
    watermark &&
      saveLink({
        link: watermark,
        label: () => t.watermark,
        detail: () => join(...about(watermark)),
        report,
      }),
  ].filter((one) => one instanceof HTMLElement);
}

/** The files of a photo post besides its single photos. */
export function photoSaves(post: Post, report: Report, onSaved: () => void): HTMLElement[] {
  const { photos = [] } = post;
  const { zip } = post.download_link;
  const links = photos.map(({ link }) => link);
  const [only] = links;
  const saveAll = () => save(links.length > 1 && zip ? zip : (only ?? ''));
  const sharing = shareButton({
    links,
    label: () => (links.length > 1 ? format(t.sharePhotos, { n: links.length }) : t.savePhoto),
    detail: () => t.shareHint,
    report,
    fallback: saveAll,
    onSaved,
  });
  const primary = !sharing;
  const file =
    links.length > 1
      ? zip && saveLink({ link: zip, label: () => t.zip, symbol: 'zip', primary, report, onSaved })
      : only &&
        saveLink({
          link: only,
          label: () => (sharing ? t.download : t.savePhoto),
          primary,
          report,
          onSaved,
        });
  return [sharing, file, soundSave(post, report)].filter((one) => one instanceof HTMLElement);
}

function soundSave(post: Post, report: Report): HTMLElement | undefined {
  const { mp3 } = post.download_link;
  const { artist, music_duration: length } = post;
  const detail = () => join(length ? duration(length) : '', artist ?? '');
  return mp3 ? saveLink({ link: mp3, label: () => t.mp3, detail, symbol: 'sound', report }) : undefined;
}

export function subtitleSaves({ subtitles = [] }: Post, report: Report): HTMLElement | null {
  if (subtitles.length === 0) return null;
  const saves = subtitles.map(({ link, language, source, format: kind }) => {
    // TikTok's names for speech recognition and machine translation.
    const automatic = source === 'ASR' || source === 'MT';
    const detail = () => join(kind.toUpperCase(), automatic ? t.machine : '');
    return saveLink({ link, label: () => languageName(language), detail, symbol: 'text', report });
  });
  return h(
    'div',
    {},
    h('h3', {}, () => t.subtitles),
    h('div', { class: 'saves' }, ...saves),
  );
}

export function formatSaves({ formats = [] }: Post, report: Report): HTMLElement | null {
  const playable = formats.filter(({ codec }) => codec !== UNPLAYABLE);
  if (playable.length < 2) return null;
  const saves = playable.map((one) => {
    const notes = () => [one.has_audio ? '' : t.silent, one.watermark ? t.watermark : ''];
    const detail = () => join(fullSize(one), sizeOf(one), ...notes());
    return saveLink({ link: one.link, label: () => codecName(one), detail, report });
  });
  return h(
    'details',
    {},
    h('summary', {}, () => t.formats),
    h('div', { class: 'saves' }, ...saves),
  );
}

function codecName({ codec }: Format): string {
  if (HEVC.test(codec)) return 'HEVC';
  return codec === 'h264' ? 'H.264' : codec.toUpperCase();
}

/** The name that people know a resolution by. */
function shortSide({ width, height }: Format): string {
  return width && height ? `${Math.min(width, height)}p` : '';
}

function fullSize({ width, height }: Format): string {
  return width && height ? `${width}×${height}` : '';
}

function sizeOf({ size }: Format): string {
  return size ? bytes(size) : '';
}

/** Isolates each part (FSI, PDI): between Arabic words "1080p · 2.4" would change places. */
function join(...parts: string[]): string {
  return parts
    .filter(Boolean)
    .map((part) => `\u2068${part}\u2069`)
    .join(' · ');
}
