import type { YtdlpInfo } from './from-ytdlp.ts';
import type { Raw } from './raw.ts';

/** What one extraction brought: yt-dlp's reading of the post, and the raw item for what yt-dlp leaves out. */
export interface Extracted {
  info: YtdlpInfo;
  /** TikTok's itemStruct or Douyin's aweme_detail, the parts that are used. Foreign data: nothing is certain. */
  item: Raw;
  /** Cookies that media links ask for by name. */
  cookies: Readonly<Record<string, string>>;
}
