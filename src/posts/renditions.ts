import type { Rendition } from './post.ts';
import { hostOf, pathOf } from './query-param.ts';
import { asObject, asObjects, asPositive, asString, asUrl } from './raw.ts';
import type { Raw, YtdlpFormat } from './ytdlp.ts';

/** yt-dlp's name for the rendition with TikTok's watermark burnt in. */
const WATERMARKED = 'download';

/** And for the file that the page plays itself. */
const PLAYED = 'play';

/** ByteDance's own H.266 variant: no player knows it. */
const UNPLAYABLE_CODEC = 'bytevc2';

/** `no_watermark` stays below this short side, `no_watermark_hd` may go above. */
const HD_SHORT_SIDE = 720;

/** Signatures in the path: `/<md5>/<hexadecimal Unix time>/video/…`, another one on each host. */
const PATH_SIGNATURE = /^\/[0-9a-f]{32}\/[0-9a-f]{8}(?=\/)/;

/** Not the CDN, but an API that redirects there: one path for all files, which its query tells apart. */
const API_PATH = '/aweme/v1/play/';

/**
 * The encodings of a video, best first. yt-dlp lists each mirror as a format of its own; mirrors of one file differ
 * in the host and the signature (measured on captured pages), so the path behind the signature names the file. The
 * API is only taken where there is nothing else, as yt-dlp does for TikTok: its answers are often refusals.
 * @param item the raw item: it knows the true size of the picture, which yt-dlp computes from the name
 */
export function readRenditions(formats: readonly YtdlpFormat[], item: Raw): Rendition[] {
  const details = detailsByFile(item);
  const byFile = new Map<string, Rendition>();
  const videos = formats.filter((format) => asUrl(format.url) && format.vcodec !== 'none');
  const direct = videos.filter((format) => !isApi(format.url));
  for (const format of direct.length > 0 ? direct : videos) {
    const url = asUrl(format.url);
    if (!url) continue;
    const file = isApi(url) ? `${format.format_id}` : fileOf(url);
    const known = byFile.get(file);
    if (known) {
      // The same file as another format: a mirror, unless it is the same host signed once more.
      if (!known.urls.some((mirror) => hostOf(mirror) === hostOf(url))) known.urls.push(url);
    } else {
      byFile.set(file, rendition(format, url, details.get(file) ?? shown(format, item), byFile.size));
    }
  }
  return [...byFile.values()].sort((a, b) => rank(b) - rank(a) || (b.bitrate ?? 0) - (a.bitrate ?? 0));
}

/** What `download_link` offers; null where the post has no such rendition. */
export function chooseRenditions(renditions: readonly Rendition[], prefer: 'h264' | 'best') {
  const whole = renditions.filter((one) => one.playable && one.hasAudio);
  const clean = whole.filter((one) => !one.watermark);
  const h264 = clean.filter((one) => one.codec === 'h264');
  const pool = prefer === 'h264' && h264.length > 0 ? h264 : clean;
  const hd = pool[0] ?? null;
  return {
    hd,
    standard: pool.find((one) => rank(one) < HD_SHORT_SIDE) ?? hd,
    watermark: whole.find((one) => one.watermark) ?? null,
  };
}

function rendition(format: YtdlpFormat, url: string, detail: Raw, index: number): Rendition {
  const address = asObject(detail.PlayAddr);
  const codec = codecOf(format, asString(detail.CodecType));
  const height = asPositive(address.Height) ?? asPositive(format.height);
  return {
    id: format.format_id || `${codec}_${height ?? 0}p_${index}`,
    codec,
    width: asPositive(address.Width) ?? asPositive(format.width),
    height,
    bitrate: asPositive(detail.Bitrate) ?? asPositive((format.tbr ?? 0) * 1000),
    size: asPositive(address.DataSize) ?? asPositive(format.filesize),
    hasAudio: format.acodec !== 'none',
    watermark: asString(format.format_id).startsWith(WATERMARKED),
    playable: codec !== UNPLAYABLE_CODEC,
    urls: [url],
  };
}

/** What the page says of the file that it plays itself, where that is none of `bitrateInfo`. */
function shown(format: YtdlpFormat, item: Raw): Raw {
  return format.format_id === PLAYED ? { CodecType: asObject(item.video).codecType } : {};
}

/** yt-dlp takes the codec from a name (`UrlKey`), and what has none for H.264. */
function codecOf({ vcodec }: YtdlpFormat, told: string): string {
  if (vcodec && vcodec !== 'h264') return vcodec;
  if (/^(h265|hevc|bytevc1)/i.test(told)) return 'h265';
  if (/^(h266|vvc|bytevc2)/i.test(told)) return UNPLAYABLE_CODEC;
  return 'h264';
}

function fileOf(url: string): string {
  return pathOf(url).replace(PATH_SIGNATURE, '');
}

function isApi(url: string): boolean {
  return url.includes(API_PATH) && new URL(url, 'https://none').pathname === API_PATH;
}

function detailsByFile(item: Raw): Map<string, Raw> {
  const found = new Map<string, Raw>();
  for (const detail of asObjects(asObject(item.video).bitrateInfo)) {
    const addresses = asObject(detail.PlayAddr).UrlList;
    for (const address of Array.isArray(addresses) ? addresses : []) {
      const url = asUrl(address);
      if (url && !isApi(url)) found.set(fileOf(url), detail);
    }
  }
  return found;
}

/** The short side of the picture. */
function rank({ width, height }: Rendition): number {
  return Math.min(width ?? height ?? 0, height ?? width ?? 0);
}
