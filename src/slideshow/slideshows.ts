import { fetchToFile, type MediaClient } from '../cdn/index.ts';
import { ServiceError } from '../errors.ts';
import type { ExtractOptions } from '../extraction/index.ts';
import { type FileLocator, sourceOf } from '../files/index.ts';
import type { Asset } from '../posts/asset.ts';
import { assetSource } from '../posts/asset.ts';
import type { Post, PostRef } from '../posts/post.ts';
import { postKey } from '../posts/url.ts';
import {
  MAX_SLIDESHOW_CLIP_BYTES,
  MAX_SLIDESHOW_PART_BYTES,
  type ProgressListener,
  type RenderCache,
  type RenderedFile,
} from '../renders/index.ts';
import { createSlideshow, type SlideshowSource } from './create-slideshow.ts';
import { assertLength, optionsKey, type SlideshowOptions } from './options.ts';
import type { SlideshowRenderer } from './renderer.ts';

const TRACK: Asset = { kind: 'sound', of: 'track', format: 'mp3' };

interface SlideshowsOptions {
  files: FileLocator;
  media: MediaClient;
  cache: RenderCache;
  renderer: SlideshowRenderer;
  slideSeconds: number;
}

/** The slideshow of a post: rendered once, kept for a while. */
export class Slideshows {
  readonly #options: SlideshowsOptions;
  readonly #defaults: SlideshowOptions;

  constructor(options: SlideshowsOptions) {
    this.#options = options;
    this.#defaults = { seconds: options.slideSeconds, canvas: '9x16', music: 'fit' };
  }

  /**
   * @param wanted options that differ from the defaults, validated
   * @throws ServiceError `not_a_photo_post`, `invalid_request`, `busy`, `render_failed`, those of the extraction and of
   *   the CDN; the signal's reason
   */
  async get(
    ref: PostRef,
    options: ExtractOptions,
    wanted: Partial<SlideshowOptions> = {},
  ): Promise<RenderedFile> {
    const { files, cache, renderer } = this.#options;
    const slideshow = { ...this.#defaults, ...wanted };
    return cache.get(
      this.key(ref, wanted),
      async (tools) => {
        // In here, so that a slideshow from the cache does not look up the post.
        const post = await files.post(ref, { client: options.client, signal: tools.signal });
        if (post.kind !== 'photo') throw new ServiceError('not_a_photo_post');
        if (slideshow.music === 'whole') assertLength((post.sound?.durationMs ?? 0) / 1000);
        else if (wanted.seconds !== undefined) assertLength(wanted.seconds * post.photos.length);
        return createSlideshow(this.#source(post, options.client), slideshow, renderer)(tools);
      },
      options,
    );
  }

  /** Identifies a slideshow, for `watch`. */
  key(ref: PostRef, wanted: Partial<SlideshowOptions> = {}): string {
    return postKey(ref) + optionsKey({ ...this.#defaults, ...wanted }, this.#defaults);
  }

  /** Calls `listener` with the progress of a slideshow, now and at every change. @returns ends that */
  watch(key: string, listener: ProgressListener): () => void {
    return this.#options.cache.watch(key, listener);
  }

  #source(post: Post, client: string): SlideshowSource {
    const fetch = async (
      asset: Asset,
      path: string,
      signal: AbortSignal,
      maxBytes = MAX_SLIDESHOW_PART_BYTES,
    ) => {
      const { files, media } = this.#options;
      const source = sourceOf(post, asset);
      const renew = files.renew(post.ref, asset, source.urls, { client, signal });
      await fetchToFile(media, source, path, { signal, renew, maxBytes });
    };
    return {
      photos: post.photos.length,
      fetchPhoto: (index, path, signal) => fetch({ kind: 'photo', index }, path, signal),
      fetchClip: (index) =>
        post.photos[index]?.live
          ? (path, signal) => fetch({ kind: 'live', index }, path, signal, MAX_SLIDESHOW_CLIP_BYTES)
          : null,
      fetchSound: assetSource(post, TRACK) && ((path, signal) => fetch(TRACK, path, signal)),
    };
  }
}
