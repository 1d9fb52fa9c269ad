import type { Rendition } from './post.ts';
import { queryParam } from './query-param.ts';
import { asPositive, asString, asUrls } from './raw.ts';

/** One file of a video as a raw item describes it. Foreign values: any may be missing. */
export interface RawFile {
  /** Mirrors of the same bytes. */
  urls: unknown;
  /** ByteDance's names of the codec (`CodecType`, `codec_type`, …); H.264 where none says otherwise. */
  codec?: unknown;
  /** ByteDance's key of the file, `<video id>_<codec>_<height>p_<bitrate>`. */
  key?: unknown;
  width?: unknown;
  height?: unknown;
  /** Bits a second. */
  bitrate?: unknown;
  /** Bytes. */
  size?: unknown;
  /** The item says that it is a track without sound. */
  silent?: boolean;
  watermark?: boolean;
}

/** What `PREFER_CODEC` says. */
export type CodecPreference = 'best' | 'h264';

const PLAYABLE_CODECS: readonly string[] = ['h264', 'h265'];
const WATERMARK = 'watermark';

/** Signatures in the path: `/<md5>/<hexadecimal Unix time>/video/…`, another one on each host. */
const PATH_SIGNATURE = /^\/[0-9a-f]{32}\/[0-9a-f]{8}(?=\/)/;
/** A DASH video track; its sound is a file of its own. */
const SILENT_PATH = /^[^?#]*\/media-video-/;
/** A DASH sound track. */
const SOUND_PATH = /^[^?#]*\/media-audio-/;
/** An API that redirects to the CDN: one path for all files, which its query tells apart. */
const API_PATH = '/aweme/v1/play/';
const FILE_KEY = /_([a-z][a-z\d]*)_\d+p_(\d+)$/;
const RENDITION_ID = /^(\w+)_(\d+)p_(\d+)$/;

/**
 * The encodings of a video, best first. Mirrors of one file differ in host and signature, so the path behind the
 * signature names the file. A file without a CDN address is taken only where no clean file has one.
 * @param apiMirrors whether an API address is the last mirror of a file that has CDN addresses
 */
export function readRenditions(files: readonly RawFile[], { apiMirrors = false } = {}): Rendition[] {
  const read = files.map((file) => ({
    file,
    urls: asUrls(file.urls).filter((url) => !SOUND_PATH.test(url)),
  }));
  const onCdn = read.filter(({ urls }) => urls.some((url) => !isApi(url)));
  const found: { rendition: Rendition; paths: Set<string> }[] = [];
  const isCleanOnCdn = onCdn.some(({ file }) => !file.watermark);
  for (const { file, urls } of isCleanOnCdn ? onCdn : read) {
    const cdn = urls.filter((url) => !isApi(url));
    const api = urls.filter(isApi);
    const last = apiMirrors ? api.slice(0, 1) : [];
    const mirrors = oneForEachHost(cdn.length > 0 ? [...cdn, ...last] : api);
    if (mirrors.length === 0) continue;
    const paths = cdn.map(pathBehindSignature);
    const known = found.find((one) => paths.some((path) => one.paths.has(path)));
    if (known) {
      const all = oneForEachHost([...known.rendition.urls, ...mirrors]);
      known.rendition.urls = all.sort((a, b) => Number(isApi(a)) - Number(isApi(b)));
      for (const path of paths) known.paths.add(path);
    } else {
      found.push({ rendition: renditionOf(file, mirrors), paths: new Set(paths) });
    }
  }
  return oneForEachId(found.map(({ rendition }) => rendition).sort(bestFirst));
}

/**
 * The renditions that `download_link` offers; null where the post has no such rendition. HD is the largest picture
 * with sound that players know, H.264 where two are of one size; standard is the best H.264, or HD without one.
 */
export function chooseRenditions(renditions: readonly Rendition[], prefer: CodecPreference) {
  const whole = renditions.filter((one) => one.playable && one.hasAudio);
  const clean = whole.filter((one) => !one.watermark).sort(bestFirst);
  const largest = clean[0] ? shortSide(clean[0]) : 0;
  const h264 = clean.find((one) => one.codec === 'h264');
  const standard = h264 ?? clean[0] ?? null;
  const isHd = h264 !== undefined && shortSide(h264) === largest;
  return {
    hd: prefer === 'h264' || isHd ? standard : (clean[0] ?? null),
    standard,
    watermark: whole.find((one) => one.watermark) ?? null,
  };
}

/**
 * The rendition of that id, or else the one of its codec and short side with the nearest bitrate: sources give one
 * file with slightly different bitrates.
 */
export function findRendition(renditions: readonly Rendition[], id: string): Rendition | null {
  const exact = renditions.find((one) => one.id === id);
  if (exact) return exact;
  const [, codec, side, bitrate] = RENDITION_ID.exec(id) ?? [];
  const distance = (one: Rendition) => Math.abs((one.bitrate ?? 0) - Number(bitrate));
  const alike = renditions.filter(
    (one) => !one.watermark && one.codec === codec && shortSide(one) === Number(side),
  );
  return (
    alike.sort((a, b) => Number(b.hasAudio) - Number(a.hasAudio) || distance(a) - distance(b))[0] ?? null
  );
}

export function shortSide({ width, height }: Pick<Rendition, 'width' | 'height'>): number {
  return Math.min(width ?? height ?? 0, height ?? width ?? 0);
}

export function isApi(url: string): boolean {
  return url.includes(API_PATH) && new URL(url).pathname === API_PATH;
}

function renditionOf(file: RawFile, urls: string[]): Rendition {
  const [, keyCodec, keyBitrate] = FILE_KEY.exec(asString(file.key)) ?? [];
  const codec = codecOf([asString(file.codec), keyCodec ?? '']);
  const width = asPositive(file.width);
  const height = asPositive(file.height);
  const bitrate = asPositive(file.bitrate) ?? asPositive(keyBitrate) ?? bitrateInQuery(urls);
  const watermark = file.watermark ?? false;
  return {
    id: watermark ? WATERMARK : `${codec}_${shortSide({ width, height })}p_${bitrate ?? 0}`,
    codec,
    width,
    height,
    bitrate,
    size: asPositive(file.size),
    hasAudio: !file.silent && !urls.some((url) => SILENT_PATH.test(url)),
    watermark,
    playable: PLAYABLE_CODECS.includes(codec),
    urls,
  };
}

/** A label that is not H.264 wins over one that is: items call H.265 files H.264 in some of their fields. */
function codecOf(labels: readonly string[]): string {
  const codecs = labels.filter(Boolean).map(standardName);
  return codecs.find((codec) => codec !== 'h264') ?? 'h264';
}

/** `bytevc1` is ByteDance's name of its H.265, `bytevc2` of its own variant of H.266. */
function standardName(label: string): string {
  const name = label.toLowerCase();
  if (/h\.?264|avc/.test(name)) return 'h264';
  if (/h\.?265|hevc|bytevc1|hvc1|hev1/.test(name)) return 'h265';
  if (/h\.?266|vvc|bytevc2/.test(name)) return 'bytevc2';
  return name.replace(/[^a-z\d]/g, '') || 'unknown';
}

/** `bt` in the query of CDN addresses is the bitrate in Kibit/s, rounded down. */
function bitrateInQuery(urls: readonly string[]): number | null {
  const kibits = asPositive(urls.map((url) => queryParam(url, 'bt')).find((value) => value !== null));
  return kibits === null ? null : kibits * 1024;
}

function pathBehindSignature(url: string): string {
  return new URL(url).pathname.replace(PATH_SIGNATURE, '');
}

/** The first address of each host: a second one is the same file, signed once more. */
function oneForEachHost(urls: readonly string[]): string[] {
  const byHost = new Map<string, string>();
  for (const url of urls) {
    const { host } = new URL(url);
    if (!byHost.has(host)) byHost.set(host, url);
  }
  return [...byHost.values()];
}

function oneForEachId(renditions: readonly Rendition[]): Rendition[] {
  return renditions.filter((one, index) => renditions.findIndex(({ id }) => id === one.id) === index);
}

function bestFirst(a: Rendition, b: Rendition): number {
  return (
    shortSide(b) - shortSide(a) ||
    (b.bitrate ?? 0) - (a.bitrate ?? 0) ||
    Number(b.hasAudio) - Number(a.hasAudio)
  );
}
