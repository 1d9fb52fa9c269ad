import { describe, expect, it } from 'vitest';
import { ERRORS, type ErrorCode, ServiceError } from '../src/errors.ts';

/** Codes and statuses that clients rely on. */
const CONTRACT: readonly (readonly [string, number])[] = [
  ['invalid_request', 400],
  ['unsupported_url', 400],
  ['link_invalid', 400],
  ['link_expired', 410],
  ['not_a_photo_post', 400],
  ['post_not_found', 404],
  ['post_private', 403],
  ['login_required', 403],
  ['not_allowed', 403],
  ['unauthorized', 401],
  ['region_blocked', 451],
  ['ip_blocked', 503],
  ['extractor_outdated', 502],
  ['upstream_failed', 502],
  ['timeout', 504],
  ['busy', 503],
  ['rate_limited', 429],
  ['render_failed', 500],
  ['internal', 500],
];

describe('the error catalogue', () => {
  it.each(CONTRACT)('answers %s with HTTP %d', (code, status) => {
    expect(new ServiceError(code as ErrorCode).status).toBe(status);
  });

  it('has no other code', () => {
    expect(Object.keys(ERRORS).sort()).toEqual(CONTRACT.map(([code]) => code).sort());
  });

  it.each(Object.entries(ERRORS))('has a sentence for a person for %s', (_, { message }) => {
    expect(message).toMatch(/^[A-Z].*\.$/);
  });

  it('marks exactly those failures as retryable that may pass by themselves', () => {
    const retryable = Object.entries(ERRORS).flatMap(([code, kind]) => (kind.retryable ? [code] : []));
    expect(retryable.sort()).toEqual(
      ['busy', 'ip_blocked', 'rate_limited', 'timeout', 'upstream_failed'].sort(),
    );
  });
});

describe('a service error', () => {
  it("has its code's sentence where none is given", () => {
    expect(new ServiceError('busy').message).toBe(ERRORS.busy.message);
  });

  it('has the given sentence', () => {
    expect(new ServiceError('invalid_request', { message: 'url is missing.' }).message).toBe(
      'url is missing.',
    );
  });

  it('keeps the original error as its cause', () => {
    const cause = new Error('socket hang up');
    expect(new ServiceError('internal', { cause }).cause).toBe(cause);
  });

  it('keeps the original error out of its message', () => {
    const error = new ServiceError('internal', { cause: new Error('password=4711') });
    expect(error.message).not.toContain('4711');
  });

  it('carries the seconds to wait', () => {
    expect(new ServiceError('busy', { retryAfter: 7 }).retryAfter).toBe(7);
  });

  it('takes its retryability from its code', () => {
    expect([new ServiceError('timeout').retryable, new ServiceError('post_private').retryable]).toEqual([
      true,
      false,
    ]);
  });
});
