import type { Dispatcher } from 'undici';
import { parseContentRange } from '../media/index.ts';
import { isTikTokSite, mediaUrl } from './hosts.ts';
import { LinkError, type MediaSource } from './source.ts';
import { UpstreamBody } from './upstream-body.ts';

/** Chrome on Windows, in a widely used version: the CDN serves browsers. */
const USER_AGENT =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36';

const MAX_REDIRECTS = 5;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

export interface UpstreamRequest {
  source: MediaSource;
  link: string;
  /** First and last byte (inclusive; null for the end of the file). Null requests the whole file. */
  range: { start: number; end: number | null } | null;
  /** Strong validator for If-Range; null sends none. */
  validator: string | null;
}

export interface UpstreamContext {
  dispatcher: Dispatcher;
  /** Longest silence of the upstream, in milliseconds. */
  idleMs: number;
  signal: AbortSignal;
  /** Receives the status of every response. */
  onStatus?: ((status: number) => void) | undefined;
}

/** A 200 or 206 with consistent headers, whose bytes have not been looked at. */
export interface UpstreamResponse {
  /** The requested link, before redirects. */
  link: string;
  /** Offset in the file of the first byte to come: 0 where the server ignored the range. */
  start: number;
  /** Bytes of the whole file; null where the server does not say (chunked). */
  size: number | null;
  /** Its ETag where that is strong, else its Last-Modified: good for If-Range at this link. */
  validator: string | null;
  lastModified: string | null;
  address: MediaAddress;
  body: UpstreamBody;
}

/** What was requested last, after redirects: an https address of a media host, and what it wants to see. */
export interface MediaAddress {
  url: string;
  userAgent: string;
  referer: string;
  /** `name=value` in visible ASCII; null for none. */
  cookie: string | null;
}

/**
 * Requests one link and follows redirects: every hop is https, passes the host check and gets its own cookies.
 * @throws LinkError
 */
export async function requestMedia(
  request: UpstreamRequest,
  context: UpstreamContext,
): Promise<UpstreamResponse> {
  let next = request.link;
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const url = mediaUrl(next);
    if (!url) throw new LinkError('forbidden', hop === 0 ? 'link' : `redirect ${hop}`);
    const address = addressOf(url, request.source);
    const body = await UpstreamBody.open(url, headersFor(address, request), context);
    context.onStatus?.(body.status);
    try {
      if (!REDIRECTS.has(body.status)) return accept(body, url, request, address);
      next = redirectTarget(body.header('location'), url);
    } catch (error) {
      body.destroy();
      throw error;
    }
    // The body of a redirect has no use and may be of any length.
    body.destroy();
  }
  throw new LinkError('status', 'too many redirects');
}

function addressOf(url: URL, { referer, cookie }: MediaSource): MediaAddress {
  const { origin, pathname, search } = url;
  return {
    url: `${origin}${pathname}${search}`,
    userAgent: USER_AGENT,
    referer,
    cookie: cookie !== null && wantsCookie(url, cookie) ? cookie : null,
  };
}

function headersFor(
  { userAgent, referer, cookie }: MediaAddress,
  { range, validator }: UpstreamRequest,
): Record<string, string> {
  const headers: Record<string, string> = {
    'user-agent': userAgent,
    accept: '*/*',
    // A compressed body has other offsets than the file.
    'accept-encoding': 'identity',
    referer,
  };
  if (cookie !== null) headers.cookie = cookie;
  if (range) headers.range = `bytes=${range.start}-${range.end ?? ''}`;
  if (range && validator !== null) headers['if-range'] = validator;
  return headers;
}

/** The page's cookie goes to tiktok.com, and to links that name it (`tk=tt_chain_token`). */
function wantsCookie(url: URL, cookie: string): boolean {
  if (!/^[\w-]+=[\x21-\x3A\x3C-\x7E]*$/.test(cookie)) return false;
  return isTikTokSite(url.hostname) || url.searchParams.get('tk') === cookie.slice(0, cookie.indexOf('='));
}

/** Douyin's play addresses redirect to http:// of hosts that serve https:// as well; plain http is never used. */
function redirectTarget(location: string | undefined, base: URL): string {
  if (location === undefined) throw new LinkError('status', 'redirect without a target');
  const absolute = URL.canParse(location)
    ? location
    : URL.canParse(location, base.href)
      ? new URL(location, base).href
      : '';
  return absolute.replace(/^http:\/\/(?=[^/?#:]+(?:[/?#]|$))/i, 'https://');
}

function accept(
  body: UpstreamBody,
  url: URL,
  { link, range }: UpstreamRequest,
  address: MediaAddress,
): UpstreamResponse {
  const { status } = body;
  const host = url.hostname;
  if (status !== 200 && !(status === 206 && range)) throw new LinkError('status', `${status} from ${host}`);
  const type = body.header('content-type') ?? '';
  // JSON passes: creators' captions are JSON, and any other is recognised by its first bytes.
  if (/html|xml/i.test(type)) throw new LinkError('no-media', `${type.slice(0, 40)} from ${host}`);
  if (!/^(?:identity)?$/i.test(body.header('content-encoding') ?? '')) {
    throw new LinkError('length', `compressed by ${host}`);
  }
  const { start, size } = extentOf(body, range, host);
  if (size === 0) throw new LinkError('no-media', `empty body from ${host}`);
  const etag = body.header('etag') ?? '';
  const strongEtag = /^"[\x21\x23-\x7E]*"$/.test(etag) ? etag : null;
  const lastModified = httpDate(body.header('last-modified'));
  return { link, start, size, validator: strongEtag ?? lastModified, lastModified, address, body };
}

/** The date in the only form that a server may send (RFC 9110 §5.6.7), for it is sent on to clients; else null. */
function httpDate(value: string | undefined): string | null {
  const form = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;
  return value !== undefined && form.test(value) ? value : null;
}

function extentOf(
  body: UpstreamBody,
  range: UpstreamRequest['range'],
  host: string,
): { start: number; size: number | null } {
  const length = lengthOf(body, host);
  if (body.status === 200 || !range) return { start: 0, size: length };
  const got = parseContentRange(body.header('content-range'));
  const end = Math.min(range.end ?? Number.POSITIVE_INFINITY, (got?.size ?? 0) - 1);
  if (!got || got.start !== range.start || got.end !== end) {
    throw new LinkError('length', `another range than requested from ${host}`);
  }
  if (length !== null && length !== got.end - got.start + 1) {
    throw new LinkError('length', `length and range disagree at ${host}`);
  }
  return { start: got.start, size: got.size };
}

/** Content-Length; null for a chunked body. A body that ends with its connection could be cut unnoticed. */
function lengthOf(body: UpstreamBody, host: string): number | null {
  const header = body.header('content-length');
  if (header === undefined) {
    if (/\bchunked$/i.test(body.header('transfer-encoding') ?? '')) return null;
    throw new LinkError('length', `neither length nor chunks from ${host}`);
  }
  if (!/^\d{1,15}$/.test(header)) throw new LinkError('length', `unreadable length from ${host}`);
  return Number(header);
}
