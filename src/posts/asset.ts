import type { Post } from './post.ts';
import { queryParam } from './query-param.ts';
import { findRendition } from './renditions.ts';
import { type SoundOf, soundUrls } from './sounds.ts';

/** Which file of a post. Each names the same file in a later extraction of the post. */
export type Asset =
  | { kind: 'video'; rendition: string }
  /** `m4a` is the sound as it lies there. */
  | { kind: 'sound'; of: SoundOf; format: 'mp3' | 'm4a' }
  | { kind: 'photo'; index: number }
  /** The clip of a live photo. */
  | { kind: 'live'; index: number }
  | { kind: 'subtitle'; language: string; source: string }
  | { kind: 'cover' }
  | { kind: 'avatar' }
  | { kind: 'zip' }
  | { kind: 'slideshow' };

/** Where a file lies at the CDN, as far as is known when the link is made. */
export interface AssetSource {
  /** Mirrors of the same bytes. */
  urls: readonly string[];
  cookie: string | null;
  egress: string;
}

/** Where one file of a post lies at the CDN; null where the post has no such file, or it is made of several others. */
export function assetSource(post: Post, asset: Asset): AssetSource | null {
  const urls = assetUrls(post, asset);
  return urls && urls.length > 0 ? { urls, cookie: cookieFor(urls, post.cookie), egress: post.egress } : null;
}

function assetUrls(post: Post, asset: Asset): readonly string[] | undefined {
  switch (asset.kind) {
    case 'video':
      return findRendition(post.renditions, asset.rendition)?.urls;
    case 'photo':
      return post.photos[asset.index]?.urls;
    case 'live':
      return post.photos[asset.index]?.live?.urls;
    case 'subtitle':
      return post.subtitles.find((one) => one.language === asset.language && one.source === asset.source)
        ?.urls;
    case 'cover':
      return post.cover ? [post.cover] : undefined;
    case 'avatar':
      return avatarUrls(post);
    case 'sound':
      return soundUrls(post, asset.of);
    default:
      return undefined;
  }
}

/** The medium one is large enough for any page. */
function avatarUrls({ author }: Post): string[] {
  return [author.avatarMedium, author.avatarLarger, author.avatarThumb].filter(Boolean).slice(0, 1);
}

/** The cookie goes into a link only where the CDN requires it, which keeps other links short. */
function cookieFor(urls: readonly string[], cookie: string | null): string | null {
  const name = cookie?.slice(0, cookie.indexOf('='));
  return name && urls.some((url) => queryParam(url, 'tk') === name) ? cookie : null;
}
