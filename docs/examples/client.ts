/**
 * A client in one file, for Node 20 and browsers alike: ask for a post, take its links. The types are those of
 * /openapi.json, as far as a downloader needs them; test/http/openapi.test.ts holds them against the service.
 */

export interface Author {
  nickname: string;
  uniqueId: string;
  avatar: string;
}

export interface Video {
  status: 'tunnel';
  id: string;
  title: string;
  author: Author;
  /** Milliseconds. */
  duration: number;
  download_link: {
    no_watermark?: string | undefined;
    no_watermark_hd?: string | undefined;
    watermark?: string | undefined;
    mp3?: string | undefined;
  };
  links_expire_at: string;
}

export interface PhotoPost {
  status: 'picker';
  id: string;
  title: string;
  author: Author;
  photos: { url: string; link: string; width: number | null; height: number | null }[];
  download_link: { no_watermark: string[]; mp3?: string | undefined; zip?: string | undefined };
  download_slideshow_link?: string | undefined;
  links_expire_at: string;
}

interface Refusal {
  error: string;
  code: string;
  retryable: boolean;
  retry_after?: number;
  request_id: string;
}

/** What the service answers where there is no post to be had. */
export class DownloaderError extends Error {
  readonly code: string;
  readonly retryable: boolean;
  /** Seconds; undefined where waiting does not help. */
  readonly retryAfter: number | undefined;
  /** To be named to the operator: the log has the same. */
  readonly requestId: string;

  constructor({ error, code, retryable, retry_after, request_id }: Refusal) {
    super(error);
    this.name = 'DownloaderError';
    this.code = code;
    this.retryable = retryable;
    this.retryAfter = retry_after;
    this.requestId = request_id;
  }
}

/**
 * @param service such as `https://downloader.example`
 * @param url of a post, or a text with one in it
 * @throws DownloaderError
 */
export async function fetchPost(
  service: string,
  url: string,
  signal?: AbortSignal,
): Promise<Video | PhotoPost> {
  const response = await fetch(new URL('/tiktok', service), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ url }),
    ...(signal && { signal }),
  });
  const body = (await response.json()) as Video | PhotoPost | Refusal;
  if ('code' in body) throw new DownloaderError(body);
  return body;
}

/** The links that a person would want, best first. */
export function linksOf(post: Video | PhotoPost): string[] {
  if (post.status === 'picker') {
    const { zip, no_watermark } = post.download_link;
    return zip ? [zip, ...no_watermark] : no_watermark;
  }
  const { no_watermark_hd, no_watermark, mp3 } = post.download_link;
  return [no_watermark_hd, no_watermark, mp3].filter((link) => link !== undefined);
}
