import { ServiceError } from '../errors.ts';
import { type Asset, type AssetSource, assetSource } from '../posts/asset.ts';
import type { Platform, Post, PostRef } from '../posts/post.ts';
import type { SoundOf } from '../posts/sounds.ts';
import type { TokenSealer } from './token.ts';

/** The routes that take a token, and with it the purposes a token can have. */
export type LinkRoute = 'stream' | 'download' | 'download-slideshow';

/** The parameter that carries the token, as in the predecessors' frontends. */
const PARAMETER: Readonly<Record<LinkRoute, string>> = {
  stream: 'data',
  download: 'data',
  'download-slideshow': 'url',
};

/** Content of a link: enough to serve the file on any instance with the key, and to extract the post again. */
export interface LinkTarget {
  ref: PostRef;
  asset: Asset;
  /** Null in a short link, and for files made of several others (zip, slideshow): these need the post. */
  source: AssetSource | null;
  /** What the file's name says of the post, where the template wants it; not in a short link. */
  about?: PostAbout;
}

export interface PostAbout {
  title: string;
  /** Unix seconds. */
  createdAt: number | null;
}

export interface LinkOptions {
  /** Leaves out the CDN's addresses: below 300 characters, for one more look-up of the post when it is used. */
  short?: boolean;
}

/** Bytes of UTF-8 of a title in a link; more than a file name has room for. */
const MAX_TITLE_BYTES = 240;
/** A user name in a short link, in bytes of UTF-8; TikTok's have at most 24. */
const MAX_SHORT_USER_BYTES = 32;

/** Makes the links of one service and opens them. */
export class Links {
  readonly #sealer: TokenSealer;
  readonly #baseUrl: string;
  readonly #ttlMs: number;
  readonly #describesPost: boolean;

  /** @param describesPost whether links hold what file names say of a post */
  constructor(sealer: TokenSealer, baseUrl: string, ttlMs: number, describesPost = false) {
    this.#sealer = sealer;
    this.#baseUrl = baseUrl;
    this.#ttlMs = ttlMs;
    this.#describesPost = describesPost;
  }

  /** The same links with another start. */
  at(baseUrl: string): Links {
    return new Links(this.#sealer, baseUrl, this.#ttlMs, this.#describesPost);
  }

  /** Expiry of links made now: Unix milliseconds, in whole seconds. */
  expiryFromNow(): number {
    return Math.floor((Date.now() + this.#ttlMs) / 1000) * 1000;
  }

  /** The maker of links to the files of one post. */
  linksTo(post: Post, expiresAtMs: number, options: LinkOptions = {}): (asset: Asset) => string {
    const { ref, title, createdAt } = post;
    const about = this.#describesPost && { about: { title: cut(title, MAX_TITLE_BYTES), createdAt } };
    return (asset) => {
      const target = { ref, asset, source: assetSource(post, asset), ...about };
      return this.make(routeOf(asset), target, expiresAtMs, options);
    };
  }

  /** @param expiresAtMs Unix milliseconds */
  make(
    route: LinkRoute,
    target: LinkTarget,
    expiresAtMs: number,
    { short = false }: LinkOptions = {},
  ): string {
    const content = Buffer.from(JSON.stringify(pack(short ? shorten(target) : target)));
    const token = this.#sealer.seal(route, content, expiresAtMs);
    return `${this.#baseUrl}/${route}?${PARAMETER[route]}=${token}`;
  }

  /** @throws ServiceError `link_invalid`, `link_expired` */
  openLink(route: LinkRoute, token: string): LinkTarget {
    const { content } = this.#sealer.unseal(route, token);
    try {
      return unpack(JSON.parse(content.toString()) as Packed);
    } catch (cause) {
      // The token is authentic, so another version of the service packed it.
      throw new ServiceError('link_invalid', { cause });
    }
  }
}

function routeOf({ kind }: Asset): LinkRoute {
  if (kind === 'video') return 'stream';
  return kind === 'slideshow' ? 'download-slideshow' : 'download';
}

/** Arrays instead of objects: a link has to stay below 2,000 characters. */
type Packed = [
  platform: 't' | 'd',
  id: string,
  user: string,
  asset: PackedAsset,
  source: PackedSource | 0,
  about?: [title: string, createdAt: number | null],
];
type PackedAsset =
  | ['v', string]
  | ['m', of?: SoundOf, format?: 'mp3' | 'm4a']
  | ['p', number]
  | ['l', number]
  | ['s', string, string]
  | ['c']
  | ['a']
  | ['z']
  | ['w'];
type PackedSource = [urls: string[], cookie: string | null, egress: string];

const PLATFORMS: Readonly<Record<'t' | 'd', Platform>> = { t: 'tiktok', d: 'douyin' };

function shorten({ ref, asset }: LinkTarget): LinkTarget {
  const user = ref.user && cut(ref.user, MAX_SHORT_USER_BYTES);
  return { ref: { ...ref, ...(user && { user }) }, asset, source: null };
}

function cut(text: string, maxBytes: number): string {
  let kept = '';
  for (const character of text) {
    if (Buffer.byteLength(kept + character) > maxBytes) break;
    kept += character;
  }
  return kept;
}

function pack({ ref, asset, source, about }: LinkTarget): Packed {
  const packed: Packed = [
    ref.platform === 'tiktok' ? 't' : 'd',
    ref.id,
    ref.user ?? '',
    packAsset(asset),
    source ? [packMirrors(source.urls), source.cookie, source.egress] : 0,
  ];
  if (about) packed.push([about.title, about.createdAt]);
  return packed;
}

function unpack([platform, id, user, asset, source, about]: Packed): LinkTarget {
  if (!Object.hasOwn(PLATFORMS, platform)) throw new TypeError('an unknown platform');
  return {
    ref: { platform: PLATFORMS[platform], id, ...(user && { user }) },
    asset: unpackAsset(asset),
    source: source === 0 ? null : { urls: unpackMirrors(source[0]), cookie: source[1], egress: source[2] },
    ...(about && { about: { title: about[0], createdAt: about[1] } }),
  };
}

function packAsset(asset: Asset): PackedAsset {
  switch (asset.kind) {
    case 'video':
      return ['v', asset.rendition];
    case 'sound':
      return ['m', asset.of, asset.format];
    case 'photo':
      return ['p', asset.index];
    case 'live':
      return ['l', asset.index];
    case 'subtitle':
      return ['s', asset.language, asset.source];
    case 'cover':
      return ['c'];
    case 'avatar':
      return ['a'];
    case 'zip':
      return ['z'];
    case 'slideshow':
      return ['w'];
  }
}

function unpackAsset(packed: PackedAsset): Asset {
  switch (packed[0]) {
    case 'v':
      return { kind: 'video', rendition: packed[1] };
    case 'm':
      // Earlier versions had one sound for each post.
      return { kind: 'sound', of: packed[1] ?? 'track', format: packed[2] ?? 'mp3' };
    case 'p':
      return { kind: 'photo', index: packed[1] };
    case 'l':
      return { kind: 'live', index: packed[1] };
    case 's':
      return { kind: 'subtitle', language: packed[1], source: packed[2] };
    case 'c':
      return { kind: 'cover' };
    case 'a':
      return { kind: 'avatar' };
    case 'z':
      return { kind: 'zip' };
    case 'w':
      return { kind: 'slideshow' };
    default:
      throw new TypeError('an unknown kind of file');
  }
}

/** Stores only the host of a mirror that differs in nothing else. */
function packMirrors([first, ...others]: readonly string[]): string[] {
  if (first === undefined) return [];
  const { host } = new URL(first);
  const rest = first.slice(first.indexOf(host) + host.length);
  return [
    first,
    ...others.map((mirror) => {
      const { host: other } = new URL(mirror);
      return mirror === `https://${other}${rest}` ? other : mirror;
    }),
  ];
}

function unpackMirrors([first, ...others]: string[]): string[] {
  if (first === undefined) return [];
  const { host } = new URL(first);
  const rest = first.slice(first.indexOf(host) + host.length);
  return [first, ...others.map((mirror) => (mirror.includes('/') ? mirror : `https://${mirror}${rest}`))];
}
