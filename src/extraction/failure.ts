import type { ErrorCode } from '../errors.ts';
import type { Platform } from '../posts/post.ts';
import type { FailureFacts, PageFacts } from './protocol.ts';

/**
 * Meaning of TikTok's status codes: its own web app's enum (StatusCode, bundle of 2025-02). Codes that are not
 * listed say nothing certain about the post.
 */
const STATUS: ReadonlyMap<number, ErrorCode> = new Map([
  [10202, 'post_not_found'], // UserNotExist
  [10204, 'post_not_found'], // VideoNotExist, refined by its message below
  [10215, 'post_not_found'], // VideoAbnormal
  [10217, 'post_not_found'], // VideoFirstReviewUnshelve
  [10220, 'post_not_found'], // VideoUnshelveByMusic
  [10221, 'post_not_found'], // UserBan
  [10241, 'post_not_found'], // VideoDeleted
  [2054, 'post_not_found'], // VideoUnavailableDeleted
  [10216, 'post_private'], // VideoPrivateByUser
  [10222, 'post_private'], // UserPrivate
  [10223, 'post_private'], // UserFtc: a child's account
  [10240, 'post_private'], // VideoFriendsOnly
  [10242, 'post_private'], // VideoUserBlockedByAuthor
  [3026002, 'post_private'], // PrivateAccountLimitByBC
  [10231, 'region_blocked'], // VideoGeofenceBlock
  [10102, 'login_required'], // UserNotLogin
  [10213, 'login_required'], // VideoLowAgeM
  [10214, 'login_required'], // VideoLowAgeT
  [10000, 'ip_blocked'], // VerifyCode
  [10113, 'ip_blocked'], // SharkSlide
  [10114, 'ip_blocked'], // SharkBlock
  [10101, 'upstream_failed'], // ServerErrorNot500
  [10111, 'upstream_failed'], // NetError
]);

/** Tokens of `statusMsg` (joined with "&"), which tell apart what 10204 lumps together. First match counts. */
const STATUS_MESSAGE: readonly (readonly [RegExp, ErrorCode])[] = [
  [/^status_deleted$/, 'post_not_found'],
  [/^(status_self_see|status_friend_see|author_secret|part_see)$/, 'post_private'],
  [/^(cross_border_violation|person_geo_fencing|copyright_geo_filter|geo_)/, 'region_blocked'],
  [/^content_classification$/, 'login_required'],
];

/** What a failed extraction means to the person who asked. */
export function classify(facts: FailureFacts, platform: Platform): ErrorCode {
  const { page } = facts;
  if (facts.timeout) return 'timeout';
  if (page?.status || page?.statusMsg) return fromStatus(page);
  if (page?.login || page?.classified) return 'login_required';
  if (facts.geo) return 'region_blocked';
  if (facts.http !== null) return fromHttp(facts.http);
  if (facts.transport) return 'upstream_failed';
  // Douyin answers only visitors who bring cookies: with nothing, or without the post and without a reason.
  if (platform === 'douyin') return page?.readable ? 'post_not_found' : 'login_required';
  // The challenge came back although yt-dlp had solved it: this address is not wanted.
  if (page?.challenge && page.count > 1) return 'ip_blocked';
  return 'extractor_outdated';
}

function fromStatus(page: PageFacts): ErrorCode {
  const byMessage = STATUS_MESSAGE.find(([pattern]) =>
    page.statusMsg.split('&').some((token) => pattern.test(token.trim())),
  );
  if (byMessage) return byMessage[1];
  if (page.status === null || page.status === 0) return 'post_not_found';
  return STATUS.get(page.status) ?? 'upstream_failed';
}

function fromHttp(status: number): ErrorCode {
  if (status === 404 || status === 410) return 'post_not_found';
  if (status === 451) return 'region_blocked';
  if (status === 401 || status === 403 || status === 429) return 'ip_blocked';
  return 'upstream_failed';
}
