import { ServiceError } from '../errors.ts';
import { type Asset, type AssetSource, assetSource } from '../posts/asset.ts';
import type { Platform, Post, PostRef } from '../posts/post.ts';
import type { TokenSealer } from './token.ts';

/** The routes that take a token, and with it the purposes a token can have. */
export type LinkRoute = 'stream' | 'download' | 'download-slideshow';

/** The parameter that carries the token, as the predecessors' frontends know it. */
const PARAMETER: Readonly<Record<LinkRoute, string>> = {
  stream: 'data',
  download: 'data',
  'download-slideshow': 'url',
};

/** What a link says: enough to serve the file on any instance that has the key, and to extract the post again. */
export interface LinkTarget {
  ref: PostRef;
  asset: Asset;
  /** Null where the file is made from several others (zip, slideshow): these ask for the post. */
  source: AssetSource | null;
}

export class Links {
  readonly #box: TokenSealer;
  readonly #baseUrl: string;
  readonly #ttlMs: number;

  constructor(box: TokenSealer, baseUrl: string, ttlMs: number) {
    this.#box = box;
    this.#baseUrl = baseUrl;
    this.#ttlMs = ttlMs;
  }

  /** When links that are made now expire, Unix milliseconds; whole seconds. */
  expiryFromNow(): number {
    return Math.floor((Date.now() + this.#ttlMs) / 1000) * 1000;
  }

  /** The maker of links to the files of one post. */
  linksTo(post: Post, expiresAtMs: number): (asset: Asset) => string {
    return (asset) =>
      this.make(routeOf(asset), { ref: post.ref, asset, source: assetSource(post, asset) }, expiresAtMs);
  }

  make(route: LinkRoute, target: LinkTarget, expiresAtMs: number): string {
    const content = Buffer.from(JSON.stringify(pack(target)));
    return `${this.#baseUrl}/${route}?${PARAMETER[route]}=${this.#box.seal(route, content, expiresAtMs)}`;
  }

  /** @throws ServiceError `link_invalid`, `link_expired` */
  openLink(route: LinkRoute, token: string): LinkTarget {
    const { content } = this.#box.unseal(route, token);
    try {
      return unpack(JSON.parse(content.toString()) as Packed);
    } catch (cause) {
      // Sealed by us, but by a version that packed otherwise.
      throw new ServiceError('link_invalid', { cause });
    }
  }
}

function routeOf({ kind }: Asset): LinkRoute {
  if (kind === 'video') return 'stream';
  return kind === 'slideshow' ? 'download-slideshow' : 'download';
}

/** Positions instead of names: a link has to stay below 2,000 characters. */
type Packed = [platform: 't' | 'd', id: string, user: string, asset: PackedAsset, source: PackedSource | 0];
type PackedAsset =
  | ['v', string]
  | ['m']
  | ['p', number]
  | ['l', number]
  | ['s', string, string]
  | ['c']
  | ['a']
  | ['z']
  | ['w'];
type PackedSource = [urls: string[], cookie: string | null, egress: string];

const PLATFORMS: Readonly<Record<'t' | 'd', Platform>> = { t: 'tiktok', d: 'douyin' };

function pack({ ref, asset, source }: LinkTarget): Packed {
  return [
    ref.platform === 'tiktok' ? 't' : 'd',
    ref.id,
    ref.user ?? '',
    packAsset(asset),
    source ? [packMirrors(source.urls), source.cookie, source.egress] : 0,
  ];
}

function unpack([platform, id, user, asset, source]: Packed): LinkTarget {
  if (!Object.hasOwn(PLATFORMS, platform)) throw new TypeError('an unknown platform');
  return {
    ref: { platform: PLATFORMS[platform], id, ...(user && { user }) },
    asset: unpackAsset(asset),
    source: source === 0 ? null : { urls: unpackMirrors(source[0]), cookie: source[1], egress: source[2] },
  };
}

function packAsset(asset: Asset): PackedAsset {
  switch (asset.kind) {
    case 'video':
      return ['v', asset.rendition];
    case 'mp3':
      return ['m'];
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
      return { kind: 'mp3' };
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

/** Mirrors mostly differ in the host alone: then the host is enough. */
function packMirrors([first, ...others]: readonly string[]): string[] {
  if (first === undefined) return [];
  const { host } = new URL(first);
  const rest = first.slice(first.indexOf(host) + host.length);
  return [
    first,
    ...others.map((mirror) => {
      const other = new URL(mirror).host;
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
