import type { ServiceError } from '../errors.ts';

/** One file at the CDN: a rendition, a photo, a sound, a subtitle. */
export interface MediaSource {
  /** Names the file, stable over new extractions: platform, post and part, e.g. `tiktok:712…/video/h264_720p_1`. */
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
 * Extracts the post again and returns where the same file is now; its own time limit and sharing are the caller's.
 * `cached` means that the links come from a cache: where they are dead too, renewing once more helps.
 * @throws ServiceError that reaches the client unchanged (`post_not_found`, …)
 */
export type Renew = () => Promise<MediaSource & { cached?: boolean }>;

/** Why one link gave no media. Another mirror or a new link may still serve the file. */
export type LinkErrorReason =
  | 'forbidden' // not a media host, or a redirect to one that is not
  | 'expired' // past its own expiry; not requested
  | 'status'
  | 'no-media' // HTML, JSON, nothing, or bytes of no known type
  | 'length' // contradictory length headers
  | 'changed' // another file than the one that was opened
  | 'stalled'
  | 'connection';

export class LinkError extends Error {
  override name = 'LinkError';
  readonly reason: LinkErrorReason;

  /** @param detail for the log; must not contain the query of a link */
  constructor(reason: LinkErrorReason, detail: string, cause?: unknown) {
    super(`${reason}: ${detail}`, { cause });
    this.reason = reason;
  }
}

/** Whether a link led to another file than the one that was opened. */
export function isFileChanged(error: unknown): boolean {
  return error instanceof LinkError && error.reason === 'changed';
}

/** Whether an `upstream_failed` means that the CDN answered at a link of a new extraction, and gave no media. */
export function isMissingAtCdn({ cause }: ServiceError): boolean {
  const last: unknown = cause instanceof AggregateError ? cause.errors.at(-1) : null;
  return last instanceof LinkError && (last.reason === 'status' || last.reason === 'no-media');
}
