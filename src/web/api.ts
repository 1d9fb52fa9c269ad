import type { Code } from './lang/en.ts';
import { t } from './language.ts';

/** The part of the answer to POST /tiktok that the page shows; /docs describes all of it. */
export interface Post {
  status: 'tunnel' | 'picker';
  id: string;
  url: string;
  title: string;
  created_at: string | null;
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
  link: string;
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

/** Where only a proxy in front of the service answers, without the service's JSON. */
const BY_STATUS: Record<number, Code> = {
  429: 'rate_limited',
  502: 'unreachable',
  503: 'busy',
  504: 'timeout',
};

/**
 * A link of the service, seen from this page: BASE_URL may name another front than the one the visitor came by,
 * and the page talks to nobody else.
 */
export function local(link: string): string {
  const { pathname, search } = new URL(link, location.href);
  return `.${pathname.slice(pathname.lastIndexOf('/'))}${search}`;
}

/** For an address that goes into a player instead of a file. */
export function inline(link: string): string {
  return `${local(link)}&inline=1`;
}

/** What stands in `fresh` where `link` stands in `old`: links are new in each answer, their places are the same. */
export function counterpart(old: unknown, fresh: unknown, link: string): string | undefined {
  if (old === link) return typeof fresh === 'string' ? fresh : undefined;
  if (typeof old !== 'object' || typeof fresh !== 'object' || !old || !fresh) return undefined;
  for (const [name, value] of Object.entries(old)) {
    const found = counterpart(value, (fresh as Record<string, unknown>)[name], link);
    if (found) return found;
  }
  return undefined;
}

/** POST /tiktok. @throws Failure */
export async function fetchPost(text: string, signal: AbortSignal): Promise<Post> {
  const response = await ask('./tiktok', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ url: text, images: true }),
    signal,
  });
  return (await response.json()) as Post;
}

/**
 * Waits until a file is ready to be sent, by asking for its first byte. A browser that saves a file shows no
 * error's words; after this the page can. @throws Failure
 */
export async function ready(link: string): Promise<void> {
  const response = await ask(local(link), { headers: { range: 'bytes=0-0' }, cache: 'no-store' });
  await response.body?.cancel();
}

async function ask(path: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new Failure(navigator.onLine ? 'unreachable' : 'offline');
  }
  if (response.ok) return response;
  const body = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  const known = typeof body.code === 'string' && Object.hasOwn(t.errors, body.code);
  const code = known ? (body.code as Code) : (BY_STATUS[response.status] ?? 'internal');
  const seconds = Number(body.retry_after ?? response.headers.get('retry-after') ?? Number.NaN);
  throw new Failure(code, seconds > 0 ? seconds : null, String(body.request_id ?? ''));
}
