import { LRUCache } from 'lru-cache';
import type { Links } from '../links/index.ts';
import { type Answer, type AnswerOptions, toAnswer } from './answer.ts';
import { AnswerPlate } from './plate.ts';
import type { Post } from './post.ts';

/** A plate is some 30 KB; the posts that thousands ask for are few. */
const MAX_PLATES = 500;

/** Makes the answers to POST /tiktok: object by object for new posts, off a plate for those that come out of the cache. */
export class Answers {
  readonly #options: { links: Links; preferCodec: AnswerOptions['preferCodec'] };
  /** By the post itself, so that a renewed one has a plate of its own. */
  readonly #plates = new LRUCache<Post, AnswerPlate>({ max: MAX_PLATES });

  constructor(options: { links: Links; preferCodec: AnswerOptions['preferCodec'] }) {
    this.#options = options;
  }

  /** @returns the answer, or its JSON in UTF-8 */
  answer(post: Post, cached: boolean): Answer | Buffer {
    if (!cached) return toAnswer(post, { ...this.#options, cached });
    let plate = this.#plates.get(post);
    if (!plate) {
      plate = new AnswerPlate(post, this.#options);
      this.#plates.set(post, plate);
    }
    return plate.print();
  }
}
