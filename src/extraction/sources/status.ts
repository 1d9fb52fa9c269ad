import type { Meaning, Verdict } from './meaning.ts';

const GONE = 'post_not_found';
const PRIVATE = 'post_private';

/** Final statements about the post or its author: TikTok's web app's own enum (StatusCode, bundle of 2025-02). */
const VERDICTS: ReadonlyMap<number, Verdict> = new Map([
  [10202, GONE], // UserNotExist
  [10221, GONE], // UserBan
  [10241, GONE], // VideoDeleted
  [2054, GONE], // VideoUnavailableDeleted
  [10216, PRIVATE], // VideoPrivateByUser
  [10222, PRIVATE], // UserPrivate
  [10223, PRIVATE], // UserFtc: a child's account
  [10240, PRIVATE], // VideoFriendsOnly
  [10242, PRIVATE], // VideoUserBlockedByAuthor
  [3026002, PRIVATE], // PrivateAccountLimitByBC
]);

/** Not there for this egress; another source may know better. */
const ABSENT: ReadonlySet<number> = new Set([
  10204, // VideoNotExist, refined by its message
  10215, // VideoAbnormal
  10217, // VideoFirstReviewUnshelve
  10220, // VideoUnshelveByMusic
]);

const LOGIN: ReadonlySet<number> = new Set([
  10102, // UserNotLogin
  10213, // VideoLowAgeM
  10214, // VideoLowAgeT
]);

const REFUSED: ReadonlySet<number> = new Set([
  10000, // VerifyCode
  10113, // SharkSlide
  10114, // SharkBlock
  100004, // seen instead of posts, by user agent (yt-dlp#12992)
]);

const GEOFENCED = 10231; // VideoGeofenceBlock

/** Tokens of the status message (joined with "&"), which tell apart what 10204 lumps together. First match counts. */
const MESSAGES: readonly (readonly [RegExp, (detail: string) => Meaning])[] = [
  [/^status_deleted$/, (detail) => ({ kind: 'verdict', code: GONE, detail })],
  [
    /^(status_self_see|status_friend_see|author_secret|(status_)?part_see)$/,
    (detail) => ({ kind: 'verdict', code: PRIVATE, detail }),
  ],
  [
    /^(cross_border_violation|person_geo_fencing|copyright_geo_filter|geo_)/,
    (detail) => ({ kind: 'withheld', code: 'region_blocked', detail }),
  ],
  [/^content_classification$/, (detail) => ({ kind: 'withheld', code: 'login_required', detail })],
];

/** What TikTok's status says; null for 0 without a message: then the item decides. */
export function statusMeaning(status: number, message: string): Meaning | null {
  const detail = `status ${status} ${message}`.trim();
  const tokens = message.split('&').map((token) => token.trim());
  const byMessage = MESSAGES.find(([pattern]) => tokens.some((token) => pattern.test(token)))?.[1];
  if (byMessage) return byMessage(detail);
  if (status === 0) return null;
  const code = VERDICTS.get(status);
  if (code) return { kind: 'verdict', code, detail };
  if (ABSENT.has(status)) return { kind: 'absent', detail };
  if (status === GEOFENCED) return { kind: 'withheld', code: 'region_blocked', detail };
  if (LOGIN.has(status)) return { kind: 'withheld', code: 'login_required', detail };
  if (REFUSED.has(status)) return { kind: 'refused', reason: `status ${status}` };
  // 10101 ServerErrorNot500, 10111 NetError, and codes that say nothing certain about the post.
  return { kind: 'failed', code: 'upstream_failed', detail };
}
