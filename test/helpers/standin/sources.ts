/** The ways to a TikTok post, in the order in which a client falls back. */
export const TIKTOK_SOURCES = ['page', 'mobile', 'player', 'embed', 'oembed'] as const;

/**
 * The ways to a Douyin post. The detail API is three of them: `douyin-detail` is told apart by
 * `Origin: https://open.douyin.com`, `douyin-ttwid` by its cookie, `douyin-cookies` by a browser's cookies.
 */
export const DOUYIN_SOURCES = [
  'douyin-cookies',
  'douyin-detail',
  'douyin-ttwid',
  'douyin-slides',
  'douyin-share',
  'douyin-feed',
] as const;

/** Every kind of request that is not for a file: the sources, and what leads to them. */
export type Source =
  | (typeof TIKTOK_SOURCES)[number]
  | (typeof DOUYIN_SOURCES)[number]
  /** A short link of TikTok's. */
  | 'short'
  /** A short link of Douyin's. */
  | 'douyin-short'
  /** `/aweme/v1/play/`: redirects to a file. */
  | 'play'
  /** Registration of a `ttwid`. */
  | 'ttwid'
  /** Any other page: a profile, the login, the home page. */
  | 'other';

/** What the stand-in does where the public record is silent or contradicts itself; a test may change each. */
export interface Settings {
  /** Where the mobile page keeps the item; both were captured (2026-01, 2026-05). */
  mobileForm: 'scope' | 'api-data';
  /** The embed page rounds counts above 10,000 (measured 2026-08) or not (another reader). */
  embedRounds: boolean;
  /** The player API lists captions (one claim). */
  playerCaptions: boolean;
  /** The player API has posts that the page withholds or gates (unknown). */
  playerShowsWithheld: boolean;
  /** Douyin's detail API wants `sec-fetch-*` beside the Origin (one claim). */
  detailWantsSecFetch: boolean;
  /** Douyin's slidesinfo answers with the post, or with reason 8, or with nothing (claims of 2026-08 to 10). */
  slides: 'post' | 'reason' | 'empty';
  /** Milliseconds between share pages that an egress has to keep (measured); 0 lifts the rule. */
  sharePaceMs: number;
}

export const DEFAULT_SETTINGS: Settings = {
  mobileForm: 'scope',
  embedRounds: false,
  playerCaptions: true,
  playerShowsWithheld: false,
  detailWantsSecFetch: false,
  slides: 'post',
  sharePaceMs: 500,
};
