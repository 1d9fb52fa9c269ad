import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../src/errors.ts';
import { ExtractionStats } from '../../src/health/index.ts';

const NOW = 1_900_000_000_000;

describe('the stats of late', () => {
  it('have no rate where nothing was asked for', () => {
    expect(new ExtractionStats().recent(NOW).successRate).toBeNull();
  });

  it('are counted over five minutes', () => {
    const stats = new ExtractionStats();
    for (const age of [0, 1000, 200_000, 280_000]) stats.succeeded(NOW - age);
    stats.failed('timeout', NOW);
    expect(stats.recent(NOW)).toEqual({ succeeded: 4, failed: 1, successRate: 0.8, windowSeconds: 300 });
  });

  it('are forgotten after five minutes', () => {
    const stats = new ExtractionStats();
    stats.failed('timeout', NOW);
    expect(stats.recent(NOW + 310_000).failed).toBe(0);
  });

  it.each<ErrorCode>(['ip_blocked', 'extractor_outdated', 'upstream_failed', 'timeout', 'internal'])(
    'count %s against the service',
    (code) => {
      const stats = new ExtractionStats();
      stats.failed(code, NOW);
      expect([stats.recent(NOW).failed, stats.lastFailure]).toEqual([1, { at: NOW, code }]);
    },
  );

  it.each<ErrorCode>(['post_not_found', 'post_private', 'login_required', 'region_blocked'])(
    'count %s, which is about one post, for the service',
    (code) => {
      const stats = new ExtractionStats();
      stats.failed(code, NOW);
      expect([stats.recent(NOW).succeeded, stats.lastFailure]).toEqual([1, null]);
    },
  );

  it('do not count busy, which asked nobody', () => {
    const stats = new ExtractionStats();
    stats.failed('busy', NOW);
    expect(stats.recent(NOW).successRate).toBeNull();
  });

  it('remember when the last one succeeded', () => {
    const stats = new ExtractionStats();
    stats.succeeded(NOW);
    expect(stats.lastSuccess).toBe(NOW);
  });
});
