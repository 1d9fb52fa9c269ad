import type { ErrorCode } from '../../errors.ts';
import type { Post } from '../../posts/post.ts';

/** What the reply of one source says. */
export type Meaning =
  | { kind: 'post'; post: Post }
  /** About the post itself, and final: no other source is tried. */
  | { kind: 'verdict'; code: Verdict; detail: string }
  /** Not known to this source; only another source can tell whether it exists. */
  | { kind: 'absent'; detail: string }
  /** Exists, and is kept from this egress or from clients without a login. */
  | { kind: 'withheld'; code: 'region_blocked' | 'login_required'; detail: string }
  /** The source does not serve this egress now. */
  | { kind: 'refused'; reason: Refusal }
  /** The known kind of response came, and no post could be read out of it. */
  | { kind: 'unreadable'; detail: string }
  /** No response, or an error of the server. */
  | { kind: 'failed'; code: 'upstream_failed' | 'timeout'; detail: string };

export type Verdict = Extract<ErrorCode, 'post_not_found' | 'post_private'>;

/** Why a source does not serve an egress, in words for the log and /health. */
export type Refusal =
  | 'login page'
  | 'country not served'
  | 'home page'
  | `HTTP ${number}`
  | 'maintenance page'
  | 'blocked header'
  | 'empty response'
  | 'captcha'
  | 'challenge repeated'
  | 'overload protection'
  | 'rate limit'
  | 'Argus'
  | 'page without data'
  | `status ${number}`
  | 'api busy';

/** How one request to one source ended, for the planner, the log and the metrics. */
export interface Attempt {
  source: SourceId;
  /** The impersonated browser, where there is a choice. */
  target?: string;
  outcome: Meaning['kind'];
  /** Refusal, error code or detail. */
  reason: string;
  ms: number;
}

/** The ways to a post, in the order in which they are tried. */
export const TIKTOK_SOURCES = ['page', 'player', 'mobile', 'embed'] as const;
export const DOUYIN_SOURCES = [
  'douyin-cookies',
  'douyin-detail',
  'douyin-web',
  'douyin-slides',
  'douyin-share',
  'douyin-feed',
] as const;

export type SourceId = (typeof TIKTOK_SOURCES)[number] | (typeof DOUYIN_SOURCES)[number] | 'oembed';
