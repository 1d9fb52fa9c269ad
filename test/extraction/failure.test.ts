import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../src/errors.ts';
import { classify } from '../../src/extraction/failure.ts';
import type { FailureFacts, PageFacts } from '../../src/extraction/protocol.ts';

const NO_PAGE: FailureFacts = {
  message: '',
  timeout: false,
  transport: false,
  http: null,
  geo: false,
  page: null,
};
const PAGE: PageFacts = {
  count: 1,
  login: false,
  challenge: false,
  readable: true,
  status: null,
  statusMsg: '',
  hasItem: false,
  classified: false,
};
const page = (facts: Partial<PageFacts>): FailureFacts => ({ ...NO_PAGE, page: { ...PAGE, ...facts } });

describe("TikTok's status", () => {
  it.each<[number, string, ErrorCode]>([
    [10204, "item doesn't exist", 'post_not_found'],
    [10204, '', 'post_not_found'],
    [10204, 'status_deleted', 'post_not_found'],
    [10204, 'item_privacy_authorization&status_deleted', 'post_not_found'],
    [10204, 'status_self_see', 'post_private'],
    [10204, 'status_friend_see', 'post_private'],
    [10204, 'item_privacy_authorization&author_secret', 'post_private'],
    [10204, 'cross_border_violation', 'region_blocked'],
    [10204, 'cross_border_violation_ur', 'region_blocked'],
    [10204, 'person_geo_fencing', 'region_blocked'],
    [10204, 'copyright_geo_filter', 'region_blocked'],
    [10204, 'content_classification', 'login_required'],
    [10204, 'a_token_of_tomorrow', 'post_not_found'],
    [10216, '', 'post_private'],
    [10222, '', 'post_private'],
    [10240, '', 'post_private'],
    [10231, '', 'region_blocked'],
    [10241, '', 'post_not_found'],
    [10202, '', 'post_not_found'],
    [10213, '', 'login_required'],
    [10102, '', 'login_required'],
    [10000, '', 'ip_blocked'],
    [10114, '', 'ip_blocked'],
    [10101, '', 'upstream_failed'],
    [99999, '', 'upstream_failed'],
  ])('%d %j is %s', (status, statusMsg, code) => {
    expect(classify(page({ status, statusMsg }), 'tiktok')).toBe(code);
  });

  it('counts for more than a word that only resembles a token of its message', () => {
    expect(classify(page({ status: 10216, statusMsg: 'not_status_deleted_at_all' }), 'tiktok')).toBe(
      'post_private',
    );
  });

  it('counts for more than how the request ended', () => {
    expect(classify({ ...page({ status: 10222 }), geo: true, http: 500 }, 'tiktok')).toBe('post_private');
  });
});

describe('a page', () => {
  it.each<[string, Partial<PageFacts>, ErrorCode]>([
    ['that is the login', { login: true }, 'login_required'],
    ['behind the age gate', { classified: true, hasItem: true }, 'login_required'],
    ['with the challenge again, after it was solved', { challenge: true, count: 2 }, 'ip_blocked'],
    ['with a challenge that could not be solved', { challenge: true, count: 1 }, 'extractor_outdated'],
    ['that nobody can read', { readable: false }, 'extractor_outdated'],
    ['with status 0 and no post', { status: 0 }, 'extractor_outdated'],
  ])('%s is %s', (_, facts, code) => {
    expect(classify(page(facts), 'tiktok')).toBe(code);
  });
});

describe('an answer of HTTP', () => {
  it.each<[number, ErrorCode]>([
    [404, 'post_not_found'],
    [410, 'post_not_found'],
    [451, 'region_blocked'],
    [401, 'ip_blocked'],
    [403, 'ip_blocked'],
    [429, 'ip_blocked'],
    [400, 'upstream_failed'],
    [500, 'upstream_failed'],
    [503, 'upstream_failed'],
  ])('%d is %s', (http, code) => {
    expect(classify({ ...NO_PAGE, http }, 'tiktok')).toBe(code);
  });
});

describe('a request', () => {
  it.each<[string, Partial<FailureFacts>, ErrorCode]>([
    ['that took too long', { timeout: true, transport: true }, 'timeout'],
    ['without an answer', { transport: true }, 'upstream_failed'],
    ['that yt-dlp calls geo-restricted', { geo: true }, 'region_blocked'],
    ['that failed for no known reason', {}, 'extractor_outdated'],
  ])('%s is %s', (_, facts, code) => {
    expect(classify({ ...NO_PAGE, ...facts }, 'tiktok')).toBe(code);
  });
});

describe('Douyin', () => {
  it('asks for cookies where it answers nothing', () => {
    expect(classify(NO_PAGE, 'douyin')).toBe('login_required');
  });

  it('does not know the post where it answers without one', () => {
    expect(classify(page({ readable: true }), 'douyin')).toBe('post_not_found');
  });

  it('gives a reason in words alone', () => {
    expect(classify(page({ statusMsg: 'status_self_see' }), 'douyin')).toBe('post_private');
  });
});
