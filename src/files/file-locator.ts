import type { FoundPost } from '../cache/index.ts';
import type { MediaSource, Renew } from '../cdn/index.ts';
import { ServiceError } from '../errors.ts';
import type { ExtractOptions } from '../extraction/index.ts';
import type { LinkTarget } from '../links/index.ts';
import type { Asset, AssetSource } from '../posts/asset.ts';
import { assetSource } from '../posts/asset.ts';
import type { Post, PostRef } from '../posts/post.ts';
import { chooseRenditions } from '../posts/renditions.ts';
import { type PostLink, postKey } from '../posts/url.ts';

/** Where posts come from: Posts of cache/. */
export interface PostFinder {
  find(link: PostLink, options: ExtractOptions): Promise<FoundPost>;
  renew(ref: PostRef, isStale: (post: Post) => boolean, options: ExtractOptions): Promise<FoundPost>;
}

/** From an opened link to the file behind it, now and after its CDN address has died. */
export class FileLocator {
  readonly #posts: PostFinder;

  constructor(posts: PostFinder) {
    this.#posts = posts;
  }

  /** @throws ServiceError of the extraction, where the link carries no address and the post must be asked for */
  async source({ ref, asset, source }: LinkTarget, options: ExtractOptions): Promise<MediaSource> {
    if (source) return mediaSource(ref, asset, source);
    const post = await this.post(ref, options);
    return sourceOf(post, asset);
  }

  async post(ref: PostRef, options: ExtractOptions): Promise<Post> {
    return (await this.#posts.find({ kind: 'post', ref }, options)).post;
  }

  /** The video, which holds the sound as well, of a post whose track is a file of its own; null where there is none. */
  async videoWithSound(ref: PostRef, options: ExtractOptions) {
    const post = await this.post(ref, options);
    const video = chooseRenditions(post.renditions, 'h264').standard;
    if (!video || !post.sound?.urls.length) return null;
    const asset: Asset = { kind: 'video', rendition: video.id };
    return { asset, source: sourceOf(post, asset) };
  }

  /**
   * Finds the file again once its address has died: out of the cache where that holds another one than the dead,
   * else by a new extraction. Who asks once more has found what came back dead as well.
   */
  renew(ref: PostRef, asset: Asset, dead: readonly string[], options: ExtractOptions): Renew {
    const buried = new Set(dead);
    return async () => {
      const isStale = (post: Post) => assetSource(post, asset)?.urls.some((url) => buried.has(url)) ?? true;
      const { post, cached } = await this.#posts.renew(ref, isStale, options);
      const source = sourceOf(post, asset);
      for (const url of source.urls) buried.add(url);
      return { ...source, cached };
    };
  }
}

/** @throws ServiceError `post_not_found` where the post has no such file any more */
export function sourceOf(post: Post, asset: Asset): MediaSource {
  const source = assetSource(post, asset);
  if (!source) {
    throw new ServiceError('post_not_found', { message: 'This file is no longer part of the post.' });
  }
  return mediaSource(post.ref, asset, source);
}

/** The picture that stands for the post: its sound's, else its own. */
export function coverOf({ ref, sound, cover, egress }: Post): MediaSource | null {
  const url = sound?.cover ?? cover;
  return url === null
    ? null
    : {
        ...mediaSource(ref, { kind: 'mp3' }, { urls: [url], cookie: null, egress }),
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
    default:
      return asset.kind;
  }
}
