import { ASSET_PARTS, type AssetPart } from './posts.ts';
import { digest, readCookies, type Signer } from './signing.ts';

/** Names one file of one post. */
export interface AssetRef {
  postId: string;
  part: AssetPart;
  index: number;
}

/** Why the CDN does not hand out a file. */
export type Refusal =
  | 'unknown-path'
  | 'tampered'
  | 'expired'
  | 'no-cookie'
  | 'quoted-cookie'
  | 'other-cookie'
  | 'no-referer'
  | 'referer';

type Verdict = { ref: AssetRef; refusal: Refusal | null } | { ref: null; refusal: 'unknown-path' };

/** The file name inside a path: it holds the whole reference, so that no table has to be kept. */
export function fileIdOf(ref: AssetRef): string {
  const bytes = Buffer.alloc(20);
  bytes.writeBigUInt64BE(BigInt(ref.postId));
  bytes[8] = ASSET_PARTS.indexOf(ref.part);
  bytes[9] = ref.index;
  digest(`file ${ref.postId} ${ref.part} ${ref.index}`).copy(bytes, 10, 0, 10);
  return `o${bytes.toString('base64url')}`;
}

export function refOfFileId(fileId: string): AssetRef | null {
  if (!/^o[\w-]{27}$/.test(fileId)) return null;
  const bytes = Buffer.from(fileId.slice(1), 'base64url');
  const part = ASSET_PARTS[bytes[8] ?? 255];
  if (part === undefined) return null;
  const ref = { postId: String(bytes.readBigUInt64BE()), part, index: bytes[9] ?? 0 };
  return fileIdOf(ref) === fileId ? ref : null;
}

const TAIL = 'bti=ODszNWYuMDE6&ch=0&cr=3&dr=0&lr=all&cd=0%7C0%7C0%7C&cv=1';
const RC =
  'ODw7NDo8O2UzO2c3aWU4M0BpM2dlOW85cm86NDMzODczNEAvMWA0Ly4wNV8xLi1eYl4yYSNiZzEvMmQ0X25hLS1kMTFzcw%3D%3D';

/** Builds the CDN's addresses in its several forms and judges requests for them. */
export class Addresses {
  #signer: Signer;
  #generation = 1;
  #expiredBefore = new Map<string, number>();

  constructor(signer: Signer) {
    this.#signer = signer;
  }

  /** Everything handed out until now is past its expiry: all of it, or what belongs to one post. */
  expireNow(postId?: string): void {
    this.#generation += 1;
    this.#expiredBefore.set(postId ?? '*', this.#generation);
  }

  /** `v16-`/`v19-webapp-prime.tiktok.com`: bound to the page's cookie, signed and dated in the query. */
  prime(ref: AssetRef, token: string, life: number, options: { mime?: string; silent?: boolean } = {}) {
    const folder = `/video/tos/alisg/tos-alisg-pve-0037c001/${fileIdOf(ref)}/`;
    const path = options.silent ? `${folder}media-video-hvc1/` : folder;
    const mime = options.mime ?? 'video_mp4';
    const signed =
      `${path}?a=1988&${TAIL}&br=1676&bt=838&cs=0&ds=6&ft=I~da4oTzD12NvFlm2WIxR3TNWlBF-UjNSfopiX` +
      `&mime_type=${mime}&qs=0&rc=${RC}&btag=e00088000&expire=${this.#expiry(life)}&l=${this.#logId(ref)}` +
      '&ply_type=2&policy=2';
    return `${signed}&signature=${this.#signer.sign(signed, token)}&tk=tt_chain_token`;
  }

  /** Path style, `/md5/hex expiry/…`: neither cookie nor referer. Without the host. */
  path(ref: AssetRef, life: number, mime: string, folder = ''): string {
    const rest =
      `/${this.#expiry(life).toString(16)}/video/tos/alisg/tos-alisg-v-27dcd7/${fileIdOf(ref)}/${folder}` +
      `?a=1233&${TAIL}&br=250&bt=125&ds=5&ft=.NpOcInz7Thr2h~PXq8Zmo&mime_type=${mime}&qs=13&rc=${RC}` +
      `&vvpl=1&l=${this.#logId(ref)}&btag=e00048000&cc=3`;
    return `/${this.#signer.sign(rest)}${rest}`;
  }

  /** A picture; each mirror has a signature of its own, as the real ones have. */
  image(host: string, ref: AssetRef, life: number, form: string): string {
    const folder = ref.part === 'avatar' ? 'tos-alisg-avt-0068' : 'tos-alisg-i-photomode-sg';
    const path = `/${folder}/${fileIdOf(ref)}~tplv-${form}`;
    const expires = this.#expiry(life);
    const mark = this.#mark();
    const signature = encodeURIComponent(this.#imageSignature(host, path, expires, mark));
    return (
      `https://${host}${path}?dr=14555&x-expires=${expires}&x-signature=${signature}` +
      `&t=${mark}&ps=13740610&shp=81f88b70&shcp=43f4a2f9&idc=my`
    );
  }

  /** A licensed track: no query, no signature, no end. */
  plain(host: string, ref: AssetRef, extension: string): string {
    return `https://${host}/obj/tos-alisg-ve-2774/${fileIdOf(ref)}${extension}`;
  }

  /** The third mirror of a rendition, on the site or an API host; answers with a redirect to the CDN. */
  play(ref: AssetRef, videoId: string, host = 'www.tiktok.com'): string {
    const query = `file_id=${fileIdOf(ref)}&is_play_url=1&item_id=${ref.postId}&line=0&ply_type=2`;
    const signature = Buffer.from(`video_id;file_id;item_id.${this.#signer.sign(query)}`).toString(
      'base64url',
    );
    return (
      `https://${host}/aweme/v1/play/?faid=1988&${query}&signaturev3=${signature}` +
      `&tk=tt_chain_token&urlt=1&video_id=${videoId}`
    );
  }

  /** What a CDN host makes of a request. */
  judge(host: string, url: string, headers: Record<string, string>): Verdict {
    const parsed = new URL(url);
    const fileId = /\/(o[\w-]{27})(?=[/~.]|$)/.exec(parsed.pathname)?.[1];
    const ref = fileId === undefined ? null : refOfFileId(fileId);
    if (ref === null) return { ref: null, refusal: 'unknown-path' };
    const referer = judgeDouyinReferer(host, headers.referer);
    if (referer !== null) return { ref, refusal: referer };
    const target = parsed.pathname + parsed.search;
    if (/^v\d+-webapp-prime\./.test(host)) {
      return { ref, refusal: this.#judgePrime(ref, target, parsed, headers) };
    }
    if (/^\/[0-9a-f]{32}\/[0-9a-f]{8}\//.test(target)) return { ref, refusal: this.#judgePath(ref, target) };
    if (parsed.searchParams.has('x-signature')) return { ref, refusal: this.#judgeImage(ref, host, parsed) };
    const free = parsed.pathname.startsWith('/obj/') && parsed.search === '';
    return { ref, refusal: free ? null : 'tampered' };
  }

  #judgePrime(ref: AssetRef, target: string, url: URL, headers: Record<string, string>): Refusal | null {
    const token = readCookies(headers.cookie).get('tt_chain_token');
    if (token === undefined) return 'no-cookie';
    if (token.startsWith('"')) return 'quoted-cookie';
    if (!this.#signer.isIssued(token)) return 'other-cookie';
    const [signed = '', rest = ''] = target.split('&signature=');
    if (`${this.#signer.sign(signed, token)}&tk=tt_chain_token` !== rest) {
      // A link that is whole for another page's cookie cannot be told from a tampered one by its signature.
      return /^[0-9a-f]{32}&tk=tt_chain_token$/.test(rest) ? 'other-cookie' : 'tampered';
    }
    if (!isTikTok(headers.referer)) return 'no-referer';
    return this.#isOver(ref, url.searchParams.get('expire'), url.searchParams.get('l')) ? 'expired' : null;
  }

  #judgePath(ref: AssetRef, target: string): Refusal | null {
    const rest = target.slice(33);
    if (this.#signer.sign(rest) !== target.slice(1, 33)) return 'tampered';
    const expiry = String(Number.parseInt(target.slice(34, 42), 16));
    return this.#isOver(ref, expiry, new URLSearchParams(target.split('?')[1]).get('l')) ? 'expired' : null;
  }

  #judgeImage(ref: AssetRef, host: string, url: URL): Refusal | null {
    const expires = url.searchParams.get('x-expires') ?? '';
    const mark = url.searchParams.get('t') ?? '';
    const expected = this.#imageSignature(host, url.pathname, Number(expires), mark);
    if (url.searchParams.get('x-signature') !== expected) return 'tampered';
    return this.#isOver(ref, expires, mark) ? 'expired' : null;
  }

  #imageSignature(host: string, path: string, expires: number, mark: string): string {
    const hex = this.#signer.sign(host, path, String(expires), mark);
    return Buffer.from(`${hex}${hex.slice(0, 8)}`, 'hex').toString('base64');
  }

  #isOver(ref: AssetRef, expiry: string | null, mark: string | null): boolean {
    const generation = Number.parseInt(mark?.slice(-6) ?? '', 16);
    const dead = Math.max(this.#expiredBefore.get('*') ?? 0, this.#expiredBefore.get(ref.postId) ?? 0);
    return !(Number(expiry) > Date.now() / 1000) || !(generation >= dead);
  }

  #expiry(life: number): number {
    return Math.floor(Date.now() / 1000) + life;
  }

  /** Eight hex digits that end in the generation, so that what is handed out now can be expired later. */
  #mark(): string {
    return `4d${this.#generation.toString(16).padStart(6, '0')}`;
  }

  /** `yyyymmddhhmmss` and twenty hex digits, the last of them the generation. */
  #logId(ref: AssetRef): string {
    const time = new Date().toISOString().replace(/\D/g, '').slice(0, 14);
    return `${time}${BigInt(ref.postId).toString(16).slice(-12).padStart(12, '0').toUpperCase()}${this.#mark().toUpperCase()}`;
  }
}

/** Douyin's cold storage; the name is ours, and that it refuses any Referer was measured (R26, 2026-09). */
export const COLD_HOST = 'v3-cold.douyinvod.com';

/** Douyin's CDN wants `https://www.douyin.com/`, and `v11-weba` does not care (measured, R26, 2026-09). */
function judgeDouyinReferer(host: string, referer: string | undefined): Refusal | null {
  if (host === COLD_HOST) return referer === undefined ? null : 'referer';
  if (!host.endsWith('.douyinvod.com') || host.startsWith('v11-weba')) return null;
  return referer?.startsWith('https://www.douyin.com/') ? null : 'no-referer';
}

function isTikTok(referer: string | undefined): boolean {
  if (referer === undefined || !URL.canParse(referer)) return false;
  const { hostname, protocol } = new URL(referer);
  return protocol === 'https:' && (hostname === 'tiktok.com' || hostname.endsWith('.tiktok.com'));
}
