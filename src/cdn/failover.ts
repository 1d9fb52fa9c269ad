import { abortable } from '../concurrency/index.ts';
import { ServiceError } from '../errors.ts';
import { linkExpiry } from '../posts/expiry.ts';
import { isFileChanged, LinkError, type MediaSource, type Renew } from './source.ts';

/** Extractions for one download. A refused link needs one; a slow client of a long video may outlive several. */
const MAX_RENEWALS = 6;

/** Tries one link. A LinkError makes the failover go on with the next link. */
export type Attempt<T> = (link: string, source: MediaSource, context: AttemptContext) => Promise<T>;

export interface AttemptContext {
  signal: AbortSignal;
  /** Restarts the time limit of `tryLinks`; called while bytes come. */
  onProgress: () => void;
}

/** The links of one file in the order in which to try them; remembers which one works. */
export class LinkFailover {
  #source: MediaSource;
  readonly #renew: Renew | undefined;
  #renewals = 0;
  #working: string | null = null;
  #failures: LinkError[] = [];

  constructor(source: MediaSource, renew: Renew | undefined) {
    this.#source = source;
    this.#renew = renew;
  }

  /** Whether a link of the last `tryLinks` led to another file. */
  get fileChanged(): boolean {
    return this.#failures.some(isFileChanged);
  }

  /**
   * Tries the link that worked last, the other mirrors, then those of a new extraction. Links past their own expiry
   * are skipped unless they are new: a new link that looks expired means that the clock here is wrong.
   * @param stallTimeoutMs time limit without progress, for all links together
   * @throws ServiceError of the extraction; `upstream_failed`; `timeout`; or the signal's reason
   */
  async tryLinks<T>(attempt: Attempt<T>, stallTimeoutMs: number, signal: AbortSignal): Promise<T> {
    const stalled = new AbortController();
    const timer = setTimeout(() => {
      stalled.abort(new ServiceError('timeout', { cause: this.#cause() }));
    }, stallTimeoutMs);
    const context = {
      signal: AbortSignal.any([signal, stalled.signal]),
      onProgress: () => void timer.refresh(),
    };
    try {
      return await this.#tryAll(attempt, context);
    } finally {
      clearTimeout(timer);
    }
  }

  async #tryAll<T>(attempt: Attempt<T>, context: AttemptContext): Promise<T> {
    context.signal.throwIfAborted();
    this.#failures = [];
    const links = this.#working === null ? this.#source.urls : [this.#working, ...this.#source.urls];
    for (const link of new Set(links)) {
      const result = await this.#tryOne(attempt, link, isExpired(link), context);
      if (result) return result.value;
    }
    while (this.#renew && this.#renewals < MAX_RENEWALS) {
      this.#renewals += 1;
      const { cached, ...source } = await this.#renewed(this.#renew, context.signal);
      this.#source = source;
      this.#working = null;
      for (const link of new Set(source.urls)) {
        const result = await this.#tryOne(attempt, link, false, context);
        if (result) return result.value;
      }
      if (!cached) break;
    }
    throw new ServiceError('upstream_failed', { cause: this.#cause() });
  }

  async #tryOne<T>(
    attempt: Attempt<T>,
    link: string,
    expired: boolean,
    context: AttemptContext,
  ): Promise<{ value: T } | null> {
    try {
      if (expired) throw new LinkError('expired', 'link');
      const value = await attempt(link, this.#source, context);
      this.#working = link;
      return { value };
    } catch (error) {
      context.signal.throwIfAborted();
      if (!(error instanceof LinkError)) throw error;
      this.#failures.push(error);
      return null;
    }
  }

  async #renewed(renew: Renew, signal: AbortSignal): ReturnType<Renew> {
    try {
      return await abortable(renew(), signal);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ServiceError) throw error;
      throw new ServiceError('upstream_failed', { cause: error });
    }
  }

  #cause(): AggregateError {
    return new AggregateError(this.#failures, this.#failures.map(({ message }) => message).join('; '));
  }
}

function isExpired(link: string): boolean {
  const expiry = linkExpiry(link);
  return expiry !== null && expiry <= Date.now();
}
