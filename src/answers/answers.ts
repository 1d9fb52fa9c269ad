import { LRUCache } from 'lru-cache';
import type { Links } from '../links/index.ts';
import type { Post } from '../posts/post.ts';
import { type Answer, type AnswerOptions, toAnswer } from './answer.ts';
import { AnswerTemplate } from './template.ts';

/** A template is some 30 KB; the posts that thousands ask for are few. */
const MAX_TEMPLATES = 500;

type Settings = Pick<AnswerOptions, 'preferCodec'> & { links: Links };

/** Makes the answers to POST /tiktok: object by object for new posts, by template for those out of the cache. */
export class Answers {
  readonly #settings: Settings;
  /** By the post itself, so that a renewed one has a template of its own. */
  readonly #templates = new LRUCache<Post, AnswerTemplate>({ max: MAX_TEMPLATES });

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** @returns the answer, or its JSON in UTF-8 */
  answer(post: Post, { cached, images }: { cached: boolean; images: boolean }): Answer | Buffer {
    if (!cached || images) return toAnswer(post, { ...this.#settings, cached, images });
    let template = this.#templates.get(post);
    if (!template) {
      template = new AnswerTemplate(post, this.#settings);
      this.#templates.set(post, template);
    }
    return template.fill();
  }
}
