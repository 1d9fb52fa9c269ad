import { fetchAsVisitor } from './access.ts';
import type { Code } from './lang/en.ts';
import { t } from './language.ts';

/** The part of the answer to POST /tiktok that the page shows; /docs describes all of it. */
export interface Post {
  status: 'tunnel' | 'picker';
  id: string;
  url: string;
  title: string;
  /** Empty where the post has no caption; `title` then holds a made-up one. */
  description?: string;
  created_at: string | null;
  /** Milliseconds. */
  duration?: number | null;
  artist?: string | null;
  /** Milliseconds. */
  music_duration?: number | null;
  author: { nickname: string; uniqueId: string };
  statistics: Record<'play_count' | 'digg_count' | 'comment_count' | 'share_count' | 'collect_count', number>;
  download_link: {
    no_watermark?: string | string[];
    no_watermark_hd?: string;
    watermark?: string;
    mp3?: string;
    zip?: string;
  };
  formats?: Format[];
  sounds?: { kind: 'track' | 'video'; format: 'mp3' | 'm4a'; link: string }[];
  subtitles?: { language: string; source: string; format: string; link: string }[];
  photos?: Photo[];
  download_slideshow_link?: string;
  links_expire_at: string;
  /** Through the service; empty where the post has none. */
  images: { cover: string; avatar: string };
}

export interface Format {
  codec: string;
  width: number | null;
  height: number | null;
  size: number | null;
  has_audio: boolean;
  watermark: boolean;
  link: string;
}

export interface Photo {
  width: number | null;
  height: number | null;
  /** At the CDN. */
  url: string;
  link: string;
  /** The clip of a live photo. */
  live?: { link: string };
}

/** An error of the service, or of the way to it (`offline`, `unreachable`). */
export class Failure extends Error {
  readonly code: Code;
  /** Seconds; null where the service gave none. */
  readonly retryAfter: number | null;
  readonly requestId: string;

  constructor(code: Code, retryAfter: number | null = null, requestId = '') {
    super(code);
    this.code = code;
    this.retryAfter = retryAfter;
    this.requestId = requestId;
  }
}

/** Statuses of a proxy in front of the service, which has no JSON; all others mean `unreachable`. */
const BY_STATUS: Record<number, Code> = { 429: 'rate_limited', 500: 'internal', 503: 'busy', 504: 'timeout' };

/** Links of a post's first answer, and those of a later one in their place. */
const renewed = new Map<string, string>();

/** From now on `local` gives the links of `fresh` for those of `old`. */
export function renewLinks(old: unknown, fresh: unknown): void {
  if (typeof old === 'string' && typeof fresh === 'string') {
    if (/^https?:/.test(old)) renewed.set(old, fresh);
  } else if (old && fresh && typeof old === 'object' && typeof fresh === 'object') {
    for (const [name, value] of Object.entries(old)) {
      renewLinks(value, (fresh as Record<string, unknown>)[name]);
    }
  }
}

/**
 * A link of the service relative to this page: BASE_URL may name another front than the one the page came from.
 * @param link may end in options, such as `&as=jpg`
 */
export function local(link: string): string {
  const [, base = '', options = ''] = /^([^&]*)(.*)$/.exec(link) ?? [];
  const { pathname, search } = new URL(renewed.get(base) ?? base, location.href);
  return `.${pathname.slice(pathname.lastIndexOf('/'))}${search}${options}`;
}

/** The address of a photo, 320 pixels wide. */
export function thumbnail(link: string): string {
  return local(`${link}&width=320`);
}

/** The link of a photo, or of a ZIP of photos, as JPEG. */
export function asJpeg(link: string): string {
  return `${link}&as=jpg`;
}

/** Whether the photo's own file is a JPEG, as the CDN's address says. */
export function isJpeg({ url }: Photo): boolean {
  return /\.jpe?g$/i.test(new URL(url, location.href).pathname);
}

/** POST /tiktok. @throws Failure */
export async function fetchPost(text: string, signal: AbortSignal): Promise<Post> {
  const response = await request('./tiktok', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ url: text, images: true }),
    signal,
  });
  try {
    return (await response.json()) as Post;
  } catch (error) {
    // The login page of a Wi-Fi, for example.
    if (signal.aborted) throw error;
    throw new Failure('unreachable');
  }
}

/**
 * Waits until the service can send a file, by requesting its first byte: a browser that saves a file shows no error
 * texts. @throws Failure
 */
export async function ready(link: string, signal?: AbortSignal): Promise<void> {
  const response = await requestFile(link, { headers: { range: 'bytes=0-0' }, ...(signal && { signal }) });
  await response.body?.cancel();
}

/** GET of a file of the service. @throws Failure */
export async function requestFile(link: string, init: RequestInit = {}): Promise<Response> {
  const response = await request(local(link), { cache: 'no-store', ...init });
  if (/^text\/html/.test(response.headers.get('content-type') ?? '')) throw new Failure('unreachable');
  return response;
}

async function request(path: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await (init.method === 'POST' ? fetchAsVisitor : fetch)(path, init);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw connectionFailure();
  }
  if (response.ok) return response;
  const body = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  const known = typeof body.code === 'string' && Object.hasOwn(t.errors, body.code);
  const code = known ? (body.code as Code) : (BY_STATUS[response.status] ?? 'unreachable');
  const seconds = Number(body.retry_after ?? response.headers.get('retry-after') ?? Number.NaN);
  throw new Failure(code, seconds > 0 ? seconds : null, String(body.request_id ?? ''));
}

export function asFailure(error: unknown): Failure {
  return error instanceof Failure ? error : new Failure('internal');
}

export function connectionFailure(): Failure {
  return new Failure(navigator.onLine ? 'unreachable' : 'offline');
}
