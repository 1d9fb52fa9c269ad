import { asJpeg, type Format, isJpeg, type Post } from './api.ts';
import { choice } from './choice.ts';
import { h } from './dom.ts';
import { type Report, save, saveLink, shareButton } from './download.ts';
import { bytes, duration, format, languageName, t } from './language.ts';
import { shareHint } from './share.ts';

const HEVC = /^(h265|hevc|bytevc1)$/;
/** No browser and no player of a phone decodes ByteDance's own codec. */
const UNPLAYABLE = 'bytevc2';

/** What most people want of a post. */
export interface MainFiles {
  /** One file: the best video, the only photo, or a ZIP of all; empty where the service offers none. */
  file: string;
  /** For the share sheet, which takes photos one by one. */
  shared: string[];
  /** Bytes of `shared`; 0 where they are not known. */
  size: number;
}

export function mainFiles({ photos, download_link: links, formats = [] }: Post): MainFiles {
  if (photos) {
    const shared = photos.map(({ link }) => link);
    return { file: (shared.length > 1 ? links.zip : shared[0]) ?? '', shared, size: 0 };
  }
  const file = links.no_watermark_hd ?? [links.no_watermark].flat()[0] ?? '';
  const size = formats.find(({ link }) => link === file)?.size ?? 0;
  return { file, shared: file ? [file] : [], size };
}

/** The main button where the share sheet takes the post; null elsewhere. */
function shareSave(post: Post, report: Report, onSaved = () => {}): HTMLElement | null {
  const { file, shared, size } = mainFiles(post);
  if (shared.length === 0) return null;
  const photos = post.photos?.length ?? 0;
  const label = () =>
    photos > 1 ? format(t.sharePhotos, { n: photos }) : photos === 1 ? t.savePhoto : t.shareVideo;
  return shareButton({
    links: shared,
    label,
    detail: () => shareHint(photos),
    size,
    report,
    fallback: () => (file ? [file] : shared).forEach(save),
    onSaved,
  });
}

/** The files of a video, the one that most people want first. */
export function videoSaves(post: Post, report: Report): HTMLElement[] {
  const { download_link: links, formats = [] } = post;
  const about = (link: string) => {
    const found = formats.find((one) => one.link === link);
    return found ? [HEVC.test(found.codec) ? 'HEVC' : '', shortSide(found), sizeOf(found)] : [];
  };
  const plain = [links.no_watermark].flat()[0];
  // Where there is one rendition only, both names lead to it.
  const hd = links.no_watermark_hd === plain ? undefined : links.no_watermark_hd;
  const { watermark } = links;
  const detail = (link: string) => () => join(t.clean, ...about(link));
  const sharing = shareSave(post, report);
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

/** The files of a photo post besides its single photos; as JPEG too where some are something else. */
export function photoSaves(post: Post, report: Report, onSaved: () => void): HTMLElement[] {
  const { photos = [] } = post;
  const { file } = mainFiles(post);
  const several = photos.length > 1;
  const sharing = shareSave(post, report, onSaved);
  const label = () => (several ? t.zip : sharing ? t.download : t.savePhoto);
  const saving = { label, symbol: several ? 'zip' : 'save', report, onSaved };
  return [
    sharing,
    file && saveLink({ link: file, primary: !sharing, ...saving }),
    file && !photos.every(isJpeg) && saveLink({ link: asJpeg(file), detail: () => 'JPEG', ...saving }),
    soundSave(post, report),
  ].filter((one) => one instanceof HTMLElement);
}

function soundSave(post: Post, report: Report): HTMLElement | undefined {
  const { mp3 } = post.download_link;
  const { artist, music_duration: length, sounds } = post;
  const isTrack = sounds?.find(({ link }) => link === mp3)?.kind !== 'video';
  const detail = () => (isTrack ? join(length ? duration(length) : '', artist ?? '') : t.videoSound);
  return mp3 ? saveLink({ link: mp3, label: () => t.mp3, detail, symbol: 'sound', report }) : undefined;
}

/** Every sound of the post, where there is more than the main one. */
export function soundSaves({ sounds = [], artist }: Post, report: Report): HTMLElement | null {
  if (sounds.length < 2) return null;
  const saves = sounds.map(({ kind, format: type, link }) => {
    const isTrack = kind === 'track';
    const detail = () => join(type.toUpperCase(), isTrack ? (artist ?? '') : '');
    return saveLink({
      link,
      label: () => (isTrack ? t.music : t.videoSound),
      detail,
      symbol: 'sound',
      report,
    });
  });
  return folded(() => t.sounds, saves);
}

/** The captions of each language, in the format that is chosen. */
export function subtitleSaves({ subtitles = [] }: Post, report: Report): HTMLElement | null {
  const [first] = subtitles;
  if (!first) return null;
  const list = h('div', { class: 'saves' });
  const show = (as: string) => {
    const saves = subtitles.map(({ link, language, source, format: own }) => {
      // TikTok's names for speech recognition and machine translation.
      const automatic = source === 'ASR' || source === 'MT';
      const detail = () => join((as || own).toUpperCase(), automatic ? t.machine : '');
      const label = () => languageName(language);
      return saveLink({ link: as ? `${link}&as=${as}` : link, label, detail, symbol: 'text', report });
    });
    list.replaceChildren(...saves);
  };
  show('');
  const types = ['', 'srt', 'txt'].map((as) => [as, () => (as || first.format).toUpperCase()] as const);
  return h(
    'div',
    {},
    h('h3', {}, () => t.subtitles),
    choice(() => t.fileType, types, show),
    list,
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
  return folded(() => t.formats, saves);
}

function folded(title: () => string, saves: HTMLElement[]): HTMLElement {
  return h('details', {}, h('summary', {}, title), h('div', { class: 'saves' }, ...saves));
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
