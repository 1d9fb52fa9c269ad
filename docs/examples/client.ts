/**
 * A client in one file, for Node 20 and browsers: fetches a post, returns its links. The types are the part of /openapi.json
 * that a downloader needs; test/http/openapi.test.ts checks them against the service.
 */

interface Post {
  id: string;
  title: string;
  author: { nickname: string; uniqueId: string; avatar: string };
  /** Milliseconds; of the sound, for a photo post. */
  duration: number;
  /** Where the post came from: `page`, `player`, … */
  source: string;
  /** The post's track and the video's own sound; the first MP3 is `download_link.mp3`. */
  sounds: { kind: 'track' | 'video'; format: 'mp3' | 'm4a'; link: string }[];
  /** Fields that this source does not know, such as `statistics.play_count`; absent where it knows all. */
  partial?: string[] | undefined;
  /** ISO 8601. Until then every link works. */
  links_expire_at: string;
}

export interface Video extends Post {
  status: 'tunnel';
  download_link: {
    no_watermark?: string | undefined;
    no_watermark_hd?: string | undefined;
    watermark?: string | undefined;
    mp3?: string | undefined;
    /** Only where the post has no video. */
    cover?: string | undefined;
  };
  /** For a person: why there is no clean video with sound. */
  notice?: string | undefined;
}

export interface PhotoPost extends Post {
  status: 'picker';
  photos: {
    link: string;
    width: number | null;
    height: number | null;
    /** The clip of a live photo. */
    live?: { link: string; duration: number } | undefined;
  }[];
  download_link: { no_watermark: string[]; mp3?: string | undefined; zip?: string | undefined };
  download_slideshow_link?: string | undefined;
}

interface ErrorBody {
  error: string;
  code: string;
  retryable: boolean;
  retry_after?: number;
  request_id: string;
}

/** The service's reason why there is no post. */
export class DownloaderError extends Error {
  readonly code: string;
  readonly retryable: boolean;
  /** Seconds; undefined where waiting does not help. */
  readonly retryAfter: number | undefined;
  /** For the operator: the service's log has the same. */
  readonly requestId: string;

  constructor({ error, code, retryable, retry_after, request_id }: ErrorBody) {
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
  const body = (await response.json()) as Video | PhotoPost | ErrorBody;
  if ('code' in body) throw new DownloaderError(body);
  return body;
}

/** The links to offer, best first. Without a clean video the watermarked one; `notice` says why. */
export function linksOf(post: Video | PhotoPost): string[] {
  if (post.status === 'picker') {
    const files = post.photos.flatMap(({ link, live }) => (live ? [link, live.link] : [link]));
    const { zip } = post.download_link;
    return zip ? [zip, ...files] : files;
  }
  const { no_watermark_hd, no_watermark, watermark, mp3, cover } = post.download_link;
  const clean = no_watermark_hd ?? no_watermark;
  return [no_watermark_hd, no_watermark, clean ? undefined : watermark, mp3, cover].filter(
    (link) => link !== undefined,
  );
}
