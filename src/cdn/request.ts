import type { Dispatcher } from 'undici';
import { parseContentRange } from '../media/index.ts';
import { isTikTokSite, mediaUrl } from './hosts.ts';
import { LinkError, type MediaSource } from './source.ts';
import { UpstreamBody } from './upstream-body.ts';

/** Chrome's on Windows: the CDN serves browsers; the number is one that is in wide use. */
const USER_AGENT =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36';

const MAX_REDIRECTS = 5;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

export interface UpstreamRequest {
  source: MediaSource;
  link: string;
  /** From which byte, and to which (inclusive; to the end without). Null asks for all. */
  range: { start: number; end?: number } | null;
  /** Strong validator for If-Range; null sends none. */
  validator: string | null;
}

export interface UpstreamContext {
  dispatcher: Dispatcher;
  /** Longest silence, in milliseconds. */
  idleMs: number;
  signal: AbortSignal;
  /** Hears the status of every response: whether the CDN welcomes this way out. */
  onStatus?: ((status: number) => void) | undefined;
}

/** A 200 or 206 whose headers hold together. The bytes have not been looked at. */
export interface UpstreamResponse {
  /** The link that was asked, before redirects. */
  link: string;
  /** Offset in the file of the first byte to come: 0 where the server ignored the range. */
  start: number;
  /** Size of the whole file; null where the server does not say (chunked). */
  size: number | null;
  /** Its ETag where it is strong, else its Last-Modified: good for If-Range at this link. */
  validator: string | null;
  lastModified: string | null;
  body: UpstreamBody;
}

/**
 * Asks one link, following redirects by hand: every hop passes the host check, and gets its cookies decided anew.
 * @throws LinkFailure
 */
export async function requestMedia(
  question: UpstreamRequest,
  circumstances: UpstreamContext,
): Promise<UpstreamResponse> {
  let next = question.link;
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const url = mediaUrl(next);
    if (!url) throw new LinkError('forbidden', hop === 0 ? 'link' : `redirect ${hop}`);
    const body = await send(url, question, circumstances);
    circumstances.onStatus?.(body.status);
    try {
      if (!REDIRECTS.has(body.status)) return accept(body, url, question);
      next = target(body.header('location'), url);
    } catch (error) {
      body.destroy();
      throw error;
    }
    // What comes with a redirect is a few bytes of HTML that nobody needs, or a trap of any length.
    body.destroy();
  }
  throw new LinkError('status', 'too many redirects');
}

function send(
  url: URL,
  { source, range, validator }: UpstreamRequest,
  by: UpstreamContext,
): Promise<UpstreamBody> {
  const headers: Record<string, string> = {
    'user-agent': USER_AGENT,
    accept: '*/*',
    // A compressed body has other offsets than the file.
    'accept-encoding': 'identity',
    referer: source.referer,
  };
  if (source.cookie !== null && wantsCookie(url, source.cookie)) headers.cookie = source.cookie;
  if (range) headers.range = `bytes=${range.start}-${range.end ?? ''}`;
  if (range && validator !== null) headers['if-range'] = validator;
  return UpstreamBody.open(by.dispatcher, url, headers, by.idleMs, by.signal);
}

/** The page's cookie is for tiktok.com, and for links that name it (`tk=tt_chain_token`). Others get none. */
function wantsCookie(url: URL, cookie: string): boolean {
  if (!/^[\w-]+=[\x21-\x3A\x3C-\x7E]*$/.test(cookie)) return false;
  return isTikTokSite(url.hostname) || url.searchParams.get('tk') === cookie.slice(0, cookie.indexOf('='));
}

/** Douyin's play addresses redirect to http:// of hosts that serve https:// as well; plain http is never used. */
function target(location: string | undefined, base: URL): string {
  if (location === undefined) throw new LinkError('status', 'redirect without a target');
  const absolute = URL.canParse(location)
    ? location
    : URL.canParse(location, base.href)
      ? new URL(location, base).href
      : '';
  return absolute.replace(/^http:\/\/(?=[^/?#:]+(?:[/?#]|$))/i, 'https://');
}

function accept(body: UpstreamBody, url: URL, { link, range }: UpstreamRequest): UpstreamResponse {
  const { status } = body;
  const host = url.hostname;
  if (status !== 200 && !(status === 206 && range)) throw new LinkError('status', `${status} from ${host}`);
  const type = body.header('content-type') ?? '';
  // Not JSON: creators' captions are that, and any other is told by its first bytes.
  if (/html|xml/i.test(type)) throw new LinkError('no-media', `${type.slice(0, 40)} from ${host}`);
  if (!/^(?:identity)?$/i.test(body.header('content-encoding') ?? '')) {
    throw new LinkError('length', `compressed by ${host}`);
  }
  const { start, size } = extent(body, range, host);
  if (size === 0) throw new LinkError('no-media', `empty body from ${host}`);
  const etag = body.header('etag') ?? null;
  // It is sent on to clients, so nothing but a date in the one form that RFC 9110 §5.6.7 lets a server send.
  const lastModified =
    /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/.exec(
      body.header('last-modified') ?? '',
    )?.[0] ?? null;
  const strong = etag !== null && /^"[\x21\x23-\x7E]*"$/.test(etag) ? etag : null;
  return { link, start, size, validator: strong ?? lastModified, lastModified, body };
}

function extent(
  body: UpstreamBody,
  range: UpstreamRequest['range'],
  host: string,
): { start: number; size: number | null } {
  const header = body.header('content-length');
  const length = header === undefined ? null : /^\d{1,15}$/.test(header) ? Number(header) : Number.NaN;
  if (Number.isNaN(length)) throw new LinkError('length', `unreadable length from ${host}`);
  if (body.status === 200 || !range) return { start: 0, size: length };
  const got = parseContentRange(body.header('content-range'));
  const end = Math.min(range.end ?? Number.POSITIVE_INFINITY, (got?.size ?? 0) - 1);
  if (!got || got.start !== range.start || got.end !== end) {
    throw new LinkError('length', `another range than asked from ${host}`);
  }
  if (length !== null && length !== got.end - got.start + 1) {
    throw new LinkError('length', `length and range disagree at ${host}`);
  }
  return { start: got.start, size: got.size };
}
