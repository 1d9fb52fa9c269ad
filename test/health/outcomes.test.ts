import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../src/errors.ts';
import { Outcomes } from '../../src/health/index.ts';

const NOW = 1_900_000_000_000;

describe('the outcomes of late', () => {
  it('have no rate where nothing was asked for', () => {
    expect(new Outcomes().recent(NOW).successRate).toBeNull();
  });

  it('are counted over five minutes', () => {
    const outcomes = new Outcomes();
    for (const age of [0, 1000, 200_000, 280_000]) outcomes.succeeded(NOW - age);
    outcomes.failed('timeout', NOW);
    expect(outcomes.recent(NOW)).toEqual({ succeeded: 4, failed: 1, successRate: 0.8, windowSeconds: 300 });
  });

  it('are forgotten after five minutes', () => {
    const outcomes = new Outcomes();
    outcomes.failed('timeout', NOW);
    expect(outcomes.recent(NOW + 310_000).failed).toBe(0);
  });

  it.each<ErrorCode>(['ip_blocked', 'extractor_outdated', 'upstream_failed', 'timeout', 'internal'])(
    'count %s against the service',
    (code) => {
      const outcomes = new Outcomes();
      outcomes.failed(code, NOW);
      expect([outcomes.recent(NOW).failed, outcomes.lastFailure]).toEqual([1, { at: NOW, code }]);
    },
  );

  it.each<ErrorCode>(['post_not_found', 'post_private', 'login_required', 'region_blocked'])(
    'count %s, which is about one post, for the service',
    (code) => {
      const outcomes = new Outcomes();
      outcomes.failed(code, NOW);
      expect([outcomes.recent(NOW).succeeded, outcomes.lastFailure]).toEqual([1, null]);
    },
  );

  it('do not count busy, which asked nobody', () => {
    const outcomes = new Outcomes();
    outcomes.failed('busy', NOW);
    expect(outcomes.recent(NOW).successRate).toBeNull();
  });

  it('remember when the last one succeeded', () => {
    const outcomes = new Outcomes();
    outcomes.succeeded(NOW);
    expect(outcomes.lastSuccess).toBe(NOW);
  });
});
