import { completePost, type ReadContext } from './complete-post.ts';
import type { Post } from './post.ts';
import { readRenditions } from './renditions.ts';

/** The parts of yt-dlp's info dict that are used; every field may be missing. */
export interface YtdlpInfo {
  formats?: YtdlpFormat[] | null;
}

export interface YtdlpFormat {
  format_id?: string | null;
  url: string;
  width?: number | null;
  height?: number | null;
  vcodec?: string | null;
  acodec?: string | null;
  /** Thousand bits a second. */
  tbr?: number | null;
  filesize?: number | null;
}

/** The post with the renditions of yt-dlp's parser, for an item in which ours found nothing to play. */
export function withYtdlpRenditions(
  post: Post,
  info: YtdlpInfo,
  context: Pick<ReadContext, 'cookies'>,
): Post {
  const videos = (info.formats ?? []).filter(({ vcodec }) => vcodec !== 'none');
  const renditions = readRenditions(
    videos.map((format) => ({
      urls: [format.url],
      codec: format.vcodec,
      width: format.width,
      height: format.height,
      bitrate: (format.tbr ?? 0) * 1000,
      size: format.filesize,
      silent: format.acodec === 'none',
      // yt-dlp's names of the watermarked file: `download` at TikTok, `download_addr` at Douyin.
      watermark: format.format_id?.startsWith('download') ?? false,
    })),
  );
  const { egress, source } = post;
  return completePost({ ...post, renditions }, { egress, source, cookies: context.cookies });
}
