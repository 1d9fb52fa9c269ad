import type { ServiceError } from '../errors.ts';

/** One file at the CDN: a rendition, a photo, a sound, a subtitle. */
export interface MediaSource {
  /** Names the file for good, over re-extractions: platform, post and part, e.g. `tiktok/712…/h264_720p_1`. */
  id: string;
  /** Mirrors of the same bytes, best first. */
  urls: readonly string[];
  /** `name=value` that the CDN demands with some links; see `Post.cookie`. */
  cookie: string | null;
  /** The page that a browser would have come from, e.g. `https://www.tiktok.com/`. */
  referer: string;
  /** Id of the egress that fetched the page: the CDN binds some links to that address. */
  egress: string;
}

/**
 * Extracts the post again and says where the same file is now. Sharing one extraction among many callers, and a
 * time limit, are the caller's. A ServiceError thrown here (`post_not_found`, …) reaches the client as it is.
 * `cached` says that the post was not extracted just now: where these links are dead too, asking once more helps.
 */
export type Renew = () => Promise<MediaSource & { cached?: boolean }>;

/** Why one link gave no media. A link's failure is not the file's: there are mirrors, and new links. */
export type LinkErrorReason =
  | 'forbidden' // not a media host, or a redirect to one that is not
  | 'expired' // past its own expiry; not asked
  | 'status'
  | 'no-media' // HTML, JSON, nothing, or bytes of no known type
  | 'length' // what it says about its length does not hold together
  | 'changed' // another file than the one that was opened
  | 'stalled'
  | 'connection';

export class LinkError extends Error {
  override name = 'LinkFailure';
  readonly reason: LinkErrorReason;

  /** `detail` goes to the log, so no query of a link may be in it. */
  constructor(fault: LinkErrorReason, detail: string, cause?: unknown) {
    super(`${fault}: ${detail}`, { cause });
    this.reason = fault;
  }
}

/** Whether a link led to another file than the one that was opened. */
export function isFileChanged(error: unknown): boolean {
  return error instanceof LinkError && error.reason === 'changed';
}

/** Whether an `upstream_failed` says that the CDN answered, at a link made just now, and gave no media. */
export function isMissingAtCdn({ cause }: ServiceError): boolean {
  const last: unknown = cause instanceof AggregateError ? cause.errors.at(-1) : null;
  return last instanceof LinkError && (last.reason === 'status' || last.reason === 'no-media');
}
