import { ServiceError } from '../errors.ts';
import { linkExpiry } from '../posts/expiry.ts';
import { isFileChanged, LinkError, type MediaSource, type Renew } from './source.ts';

/**
 * Extractions for one download, however long it takes. One is what a refused link needs; a slow reader of a long
 * video may outlive some links; more means that something else is wrong.
 */
const MAX_RENEWALS = 6;

/** Tries one link; a LinkFailure sends the failover on to the next. */
export type Attempt<T> = (link: string, source: MediaSource, context: AttemptContext) => Promise<T>;

export interface AttemptContext {
  signal: AbortSignal;
  /** Bytes are coming: the attempt's patience starts anew. */
  onProgress: () => void;
}

/** The links of one file in the order in which they are worth trying, and the memory of which one works. */
export class LinkFailover {
  #source: MediaSource;
  readonly #renew: Renew | undefined;
  #renewals = 0;
  #current: string | null = null;
  #failures: LinkError[] = [];

  constructor(source: MediaSource, renew: Renew | undefined) {
    this.#source = source;
    this.#renew = renew;
  }

  /** Whether a link of the last attempt led to another file. */
  get fileChanged(): boolean {
    return this.#failures.some(isFileChanged);
  }

  /**
   * One attempt: the link that worked last, the other mirrors, then those of a new extraction. Links past their own
   * expiry are not asked, except fresh ones: if those look expired, this machine's clock is wrong.
   * @param patienceMs for the whole attempt, as long as no bytes come
   * @throws ServiceError of the extraction; `upstream_failed`; `timeout`; or the signal's reason
   */
  async tryLinks<T>(attempt: Attempt<T>, patienceMs: number, signal: AbortSignal): Promise<T> {
    const ending = new AbortController();
    const onAbort = () => ending.abort(signal.reason);
    signal.throwIfAborted();
    signal.addEventListener('abort', onAbort, { once: true });
    const timer = setTimeout(() => {
      ending.abort(new ServiceError('timeout', { cause: this.#cause() }));
    }, patienceMs);
    try {
      return await this.#attempt(attempt, { signal: ending.signal, onProgress: () => timer.refresh() });
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    }
  }

  async #attempt<T>(attempt: Attempt<T>, context: AttemptContext): Promise<T> {
    this.#failures = [];
    const links = new Set(this.#source.urls);
    const order = this.#current === null ? links : new Set([this.#current, ...links]);
    for (const link of order) {
      const result = await this.#try(attempt, link, isExpired(link), context);
      if (result) return result.value;
    }
    while (this.#renew && this.#renewals < MAX_RENEWALS) {
      this.#renewals += 1;
      const { cached, ...source } = await this.#renewed(this.#renew, context.signal);
      this.#source = source;
      this.#current = null;
      for (const link of new Set(source.urls)) {
        const result = await this.#try(attempt, link, false, context);
        if (result) return result.value;
      }
      if (!cached) break;
    }
    throw new ServiceError('upstream_failed', { cause: this.#cause() });
  }

  async #try<T>(
    attempt: Attempt<T>,
    link: string,
    expired: boolean,
    context: AttemptContext,
  ): Promise<{ value: T } | null> {
    try {
      if (expired) throw new LinkError('expired', 'link');
      const value = await attempt(link, this.#source, context);
      this.#current = link;
      return { value };
    } catch (error) {
      context.signal.throwIfAborted();
      if (!(error instanceof LinkError)) throw error;
      this.#failures.push(error);
      return null;
    }
  }

  async #renewed(renew: Renew, signal: AbortSignal): ReturnType<Renew> {
    const aborted = rejection(signal);
    try {
      return await Promise.race([renew(), aborted.promise]);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ServiceError) throw error;
      throw new ServiceError('upstream_failed', { cause: error });
    } finally {
      aborted.forget();
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

/** A promise that rejects with the signal's reason, and a way to stop listening. */
function rejection(signal: AbortSignal): { promise: Promise<never>; forget: () => void } {
  let forget = (): void => {};
  const promise = new Promise<never>((_, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    forget = () => signal.removeEventListener('abort', onAbort);
  });
  return { promise, forget };
}
