/** The parts of yt-dlp's info dict that are used; every field may be missing. */
export interface YtdlpInfo {
  id?: string | null;
  title?: string | null;
  description?: string | null;
  timestamp?: number | null;
  duration?: number | null;
  uploader?: string | null;
  channel?: string | null;
  track?: string | null;
  artists?: string[] | null;
  album?: string | null;
  view_count?: number | null;
  like_count?: number | null;
  comment_count?: number | null;
  repost_count?: number | null;
  save_count?: number | null;
  formats?: YtdlpFormat[] | null;
  thumbnails?: { url: string }[] | null;
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

/** What one extraction brought: yt-dlp's reading of the post, and the raw item for what yt-dlp leaves out. */
export interface Extracted {
  info: YtdlpInfo;
  /** TikTok's itemStruct or Douyin's aweme_detail, the parts that are used. Foreign data: nothing is certain. */
  item: Raw;
  /** Cookies that media links ask for by name. */
  cookies: Readonly<Record<string, string>>;
}

export type Raw = Readonly<Record<string, unknown>>;
