import type { FoundPost } from '../cache/index.ts';
import type { MediaSource, Renew } from '../cdn/index.ts';
import { ServiceError } from '../errors.ts';
import type { ExtractOptions } from '../extraction/index.ts';
import type { LinkTarget } from '../links/index.ts';
import type { NamedPost } from '../media/index.ts';
import type { Asset, AssetSource } from '../posts/asset.ts';
import { assetSource } from '../posts/asset.ts';
import type { Post, PostRef } from '../posts/post.ts';
import { type PostLink, postKey } from '../posts/url.ts';

/** Finds posts; implemented by Posts of cache/. */
export interface PostFinder {
  find(link: PostLink, options: ExtractOptions): Promise<FoundPost>;
  renew(ref: PostRef, isStale: (post: Post) => boolean, options: ExtractOptions): Promise<FoundPost>;
}

/** Locates the file of an opened link at the CDN, now and after its address has died. */
export class FileLocator {
  readonly #posts: PostFinder;

  constructor(posts: PostFinder) {
    this.#posts = posts;
  }

  /** @throws ServiceError of the extraction, which a link without a source (a short one) may need */
  async source({ ref, asset, source }: LinkTarget, options: ExtractOptions): Promise<MediaSource> {
    if (source) return mediaSource(ref, asset, source);
    const post = await this.post(ref, options);
    return sourceOf(post, asset);
  }

  async post(ref: PostRef, options: ExtractOptions): Promise<Post> {
    return (await this.#posts.find({ kind: 'post', ref }, options)).post;
  }

  /** What file names say of a post; without its title where the post cannot be had any more. */
  async named({ ref, about }: LinkTarget, options: ExtractOptions): Promise<NamedPost> {
    const known = about ?? (await this.post(ref, options).catch(() => ({ title: '', createdAt: null })));
    return { user: ref.user ?? '', id: ref.id, title: known.title, createdAt: known.createdAt };
  }

  /** The sound of the video, which holds the track as well; null where there is none. */
  async soundOfVideo(ref: PostRef, options: ExtractOptions) {
    const post = await this.post(ref, options);
    const asset: Asset = { kind: 'sound', of: 'video', format: 'mp3' };
    return assetSource(post, asset) && { asset, source: sourceOf(post, asset) };
  }

  /**
   * Returns how to find the file again: in the cache where that has an address which is not known to be dead, else by a
   * new extraction. Each call marks the addresses that the last one returned as dead.
   */
  renew(ref: PostRef, asset: Asset, dead: readonly string[], options: ExtractOptions): Renew {
    const deadUrls = new Set(dead);
    return async () => {
      const isStale = (post: Post) => assetSource(post, asset)?.urls.some((url) => deadUrls.has(url)) ?? true;
      const { post, cached } = await this.#posts.renew(ref, isStale, options);
      const source = sourceOf(post, asset);
      for (const url of source.urls) deadUrls.add(url);
      return { ...source, cached };
    };
  }
}

/** @throws ServiceError `post_not_found` where the post does not have the file any more */
export function sourceOf(post: Post, asset: Asset): MediaSource {
  const source = assetSource(post, asset);
  if (!source) {
    throw new ServiceError('post_not_found', { message: 'This file is no longer part of the post.' });
  }
  return mediaSource(post.ref, asset, source);
}

/** The cover of the post's sound, or the post's own. */
export function coverOf({ ref, sound, cover, egress }: Post): MediaSource | null {
  const url = sound?.cover ?? cover;
  return url === null
    ? null
    : {
        ...mediaSource(ref, { kind: 'cover' }, { urls: [url], cookie: null, egress }),
        id: `${postKey(ref)}/cover`,
      };
}

function mediaSource(ref: PostRef, asset: Asset, { urls, cookie, egress }: AssetSource): MediaSource {
  const referer = ref.platform === 'douyin' ? 'https://www.douyin.com/' : 'https://www.tiktok.com/';
  return { id: `${postKey(ref)}/${assetName(asset)}`, urls, cookie, egress, referer };
}

function assetName(asset: Asset): string {
  switch (asset.kind) {
    case 'video':
      return `video/${asset.rendition}`;
    case 'photo':
      return `photo/${asset.index}`;
    case 'live':
      return `live/${asset.index}`;
    case 'subtitle':
      return `subtitle/${asset.language}/${asset.source}`;
    case 'sound':
      return `sound/${asset.of}`;
    default:
      return asset.kind;
  }
}
