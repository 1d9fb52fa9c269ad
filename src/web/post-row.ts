import { pageAddress, platformOf } from './address.ts';
import { asFailure, type Failure, fetchPost, local, type Post, thumbnail } from './api.ts';
import { bdi, h, refresh } from './dom.ts';
import { type Report, saveEach } from './download.ts';
import { captionOf } from './history.ts';
import { knownPost } from './known-posts.ts';
import { t } from './language.ts';
import { postButton } from './post-button.ts';
import { showProblem } from './problem.ts';
import { renewing } from './renewal.ts';
import { mainFiles, photoSaves, videoSaves } from './saves.ts';

/** What a list of posts needs of the page. */
export interface ListContext {
  /** Ends requests and countdowns. */
  signal: AbortSignal;
  /** Shows a post alone. */
  open: (link: string) => void;
  /** Gets each post that has come. */
  onPost: (post: Post, link: string) => void;
  /** Reports what belongs to no single post. */
  report: Report;
}

/** One link of several: the link alone, then its post, or what went wrong with its next steps. */
export class PostRow {
  readonly element: HTMLElement;
  post: Post | null = null;
  readonly #content: HTMLElement;
  readonly #problem = h('div');
  readonly #link: string;
  readonly #context: ListContext;
  readonly #changed: () => void;
  #dismiss = () => {};
  /** Reports a failure of a file. */
  #report: Report = () => {};
  #saved = false;

  /** @param changed is called when the post has come */
  constructor(link: string, context: ListContext, changed: () => void) {
    this.#link = link;
    this.#context = context;
    this.#changed = changed;
    this.#content = h('div', { class: 'entry' }, bdi(link));
    this.element = h('li', {}, this.#content, this.#problem);
    context.signal.addEventListener('abort', () => this.#dismiss());
  }

  /** Shows the post, which may be known already. */
  async load(): Promise<void> {
    const post = knownPost(pageAddress(this.#link));
    if (post) this.#show(post);
    else await this.#request(0);
  }

  markSaved(): void {
    this.#saved = true;
    refresh();
  }

  /** Reports that the main file could not be saved. */
  fileFailed(failure: Failure, attempt = 0): void {
    this.#report(failure, (next) => void this.#saveAgain(next), attempt, true);
  }

  #saveAgain(attempt: number): Promise<void> {
    const file = this.post ? [mainFiles(this.post).file] : [];
    const failed = (failure: Failure) => {
      this.fileFailed(failure, attempt);
      return false;
    };
    return saveEach(file, () => this.markSaved(), failed);
  }

  async #request(attempt: number): Promise<void> {
    const { signal } = this.#context;
    this.#dismiss();
    this.#content.replaceChildren(
      bdi(this.#link),
      h('p', {}, () => t.loading),
    );
    try {
      this.#show(await fetchPost(this.#link, signal));
    } catch (error) {
      if (signal.aborted) return;
      this.#content.replaceChildren(bdi(this.#link));
      this.#fail(asFailure(error), (next) => void this.#request(next), attempt);
    }
  }

  #show(post: Post): void {
    const { signal, open, onPost } = this.#context;
    const { images, photos = [], author } = post;
    const [first] = photos;
    this.post = post;
    this.#report = renewing(post, signal, (failure, retry, attempt) => this.#fail(failure, retry, attempt));
    const picture = images.cover ? local(images.cover) : first ? thumbnail(first.link) : '';
    const [save] = post.photos
      ? photoSaves(post, this.#report, () => this.markSaved())
      : videoSaves(post, this.#report);
    // One button of the page stands out, that for all.
    save?.classList.remove('primary');
    this.#content.replaceChildren(
      postButton({ picture, title: captionOf(post), user: author.uniqueId }, () => open(post.url)),
      save ?? '',
      h('small', {}, () => (this.#saved ? `✓ ${t.started}` : '')),
    );
    onPost(post, this.#link);
    this.#changed();
  }

  #fail(failure: Failure, retry: (attempt: number) => void, attempt: number): void {
    this.#dismiss();
    this.#dismiss = showProblem(this.#problem, failure, {
      retry,
      again: () => void this.#request(0),
      other: null,
      original: this.post?.url ?? this.#link,
      platform: platformOf(this.#link),
      attempt,
    });
  }
}
