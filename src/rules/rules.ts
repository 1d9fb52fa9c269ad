import type { Feature } from '../config-values.ts';
import { ServiceError } from '../errors.ts';
import type { LinkTarget } from '../links/index.ts';
import type { Address } from '../network-list.ts';
import type { Asset } from '../posts/asset.ts';
import type { Post, PostRef } from '../posts/post.ts';
import type { BlockList } from './block-list.ts';

export interface RulesOptions {
  disabled: readonly Feature[];
  /** Of a video; null for no bound. */
  maxVideoMs: number | null;
  /** Of a rendition whose size is known; null for no bound. */
  maxFileBytes: number | null;
  /** Null without BLOCKLIST_PATH. */
  blockList: BlockList | null;
}

const NAMES: Readonly<Record<Feature, string>> = {
  mp3: 'sounds',
  slideshow: 'slideshows',
  zip: 'zip files',
  douyin: 'Douyin posts',
};

/** What the operator excludes: everything is allowed by default. */
export class Rules {
  readonly #options: RulesOptions;

  constructor(options: RulesOptions) {
    this.#options = options;
  }

  /** @throws ServiceError `not_allowed` */
  checkClient(address: Address | null): void {
    if (address && this.#options.blockList?.hasClient(address)) {
      throw notAllowed('This service does not answer your network.');
    }
  }

  /** Before the post is known. @throws ServiceError `not_allowed` */
  checkRef(ref: PostRef, author?: string): void {
    if (ref.platform === 'douyin') this.#checkFeature('douyin');
    if (this.#options.blockList?.hasPost(ref, author)) {
      throw notAllowed('This post is blocked on this service.');
    }
  }

  /** @throws ServiceError `not_allowed` */
  checkPost({ ref, kind, author, durationMs, renditions }: Post): void {
    this.checkRef(ref, author.uniqueId);
    const { maxVideoMs } = this.#options;
    if (kind !== 'video') return;
    if (maxVideoMs !== null && durationMs > maxVideoMs) {
      throw notAllowed('This video is longer than this service allows.');
    }
    if (renditions.length > 0 && !renditions.some(({ size }) => this.#fits(size))) {
      throw notAllowed('This video is larger than this service allows.');
    }
  }

  /** A link that was made before a rule was. @throws ServiceError `not_allowed` */
  checkTarget({ ref, asset }: LinkTarget): void {
    this.checkRef(ref);
    const feature = featureOf(asset);
    if (feature !== null) this.#checkFeature(feature);
  }

  /** Whether a response may offer this file. */
  offers(asset: Asset): boolean {
    const feature = featureOf(asset);
    return feature === null || !this.#options.disabled.includes(feature);
  }

  /** The post without the renditions that are too large. */
  trim(post: Post): Post {
    if (this.#options.maxFileBytes === null) return post;
    return { ...post, renditions: post.renditions.filter(({ size }) => this.#fits(size)) };
  }

  #fits(size: number | null): boolean {
    const { maxFileBytes } = this.#options;
    return maxFileBytes === null || size === null || size <= maxFileBytes;
  }

  #checkFeature(feature: Feature): void {
    if (this.#options.disabled.includes(feature)) {
      throw notAllowed(`This service does not offer ${NAMES[feature]}.`);
    }
  }
}

function featureOf({ kind }: Asset): Feature | null {
  if (kind === 'sound') return 'mp3';
  return kind === 'slideshow' || kind === 'zip' ? kind : null;
}

function notAllowed(message: string): ServiceError {
  return new ServiceError('not_allowed', { message });
}
