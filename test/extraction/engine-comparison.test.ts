import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../src/errors.ts';
import { EngineComparison, isSuspect } from '../../src/extraction/engine-comparison.ts';
import { somePost } from '../cache/sample-post.ts';

const NOW = 1_900_000_000_000;

function comparison(succeeded: number, failed: number): EngineComparison {
  const one = new EngineComparison(NOW);
  for (let i = 0; i < succeeded; i += 1) one.recordSuccess();
  for (let i = 0; i < failed; i += 1) one.recordFailure();
  return one;
}

describe('EngineComparison', () => {
  it.each([
    [0, 0, null],
    [0, 2, null],
    [0, 3, 'worse'],
    [27, 3, 'worse'],
    [28, 3, null],
    [499, 3, null],
    [500, 3, 'good'],
  ])('says of %i successes and %i failures: %s', (succeeded, failed, result) => {
    expect(comparison(succeeded, failed).result(NOW)).toBe(result);
  });

  it('ends after ten minutes', () => {
    expect(comparison(20, 1).result(NOW + 10 * 60_000)).toBe('good');
  });
});

describe('isSuspect', () => {
  const failed = (code: ErrorCode) => isSuspect({ ok: false, code, detail: '', attempts: [], restarts: 0 });

  it.each(['extractor_outdated', 'timeout', 'internal', 'busy'] as const)(
    'suspects an engine after %s',
    (code) => {
      expect(failed(code)).toBe(true);
    },
  );

  it.each(['post_not_found', 'post_private', 'ip_blocked'] as const)(
    'suspects no engine after %s',
    (code) => {
      expect(failed(code)).toBe(false);
    },
  );

  it('suspects an engine that could not read a page, though another source had the post', () => {
    const unreadable = { source: 'page', outcome: 'unreadable', reason: 'x', ms: 1 } as const;
    const refused = { source: 'page', outcome: 'refused', reason: 'x', ms: 1 } as const;
    const post = { ok: true, post: somePost('1'), restarts: 0 } as const;
    expect(isSuspect({ ...post, attempts: [unreadable] })).toBe(true);
    expect(isSuspect({ ...post, attempts: [refused] })).toBe(false);
  });
});
