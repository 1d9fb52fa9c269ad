import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../src/errors.ts';
import { ExtractionStats } from '../../src/health/index.ts';

const NOW = 1_900_000_000_000;

describe('ExtractionStats', () => {
  it('has no success rate without attempts', () => {
    expect(new ExtractionStats().recent(NOW).successRate).toBeNull();
  });

  it('counts over five minutes', () => {
    const stats = new ExtractionStats();
    for (const age of [0, 1000, 200_000, 280_000]) stats.succeeded(NOW - age);
    stats.failed('timeout', NOW);
    expect(stats.recent(NOW)).toEqual({ succeeded: 4, failed: 1, successRate: 0.8, windowSeconds: 300 });
  });

  it('forgets counts after five minutes', () => {
    const stats = new ExtractionStats();
    stats.failed('timeout', NOW);
    expect(stats.recent(NOW + 310_000).failed).toBe(0);
  });

  it.each<ErrorCode>(['ip_blocked', 'extractor_outdated', 'upstream_failed', 'timeout', 'internal'])(
    'counts %s as a failure',
    (code) => {
      const stats = new ExtractionStats();
      stats.failed(code, NOW);
      expect([stats.recent(NOW).failed, stats.lastFailure]).toEqual([1, { at: NOW, code }]);
    },
  );

  it.each<ErrorCode>(['post_not_found', 'post_private', 'login_required', 'region_blocked'])(
    'counts %s, which concerns one post, as a success',
    (code) => {
      const stats = new ExtractionStats();
      stats.failed(code, NOW);
      expect([stats.recent(NOW).succeeded, stats.lastFailure]).toEqual([1, null]);
    },
  );

  it('does not count busy, which is no attempt', () => {
    const stats = new ExtractionStats();
    stats.failed('busy', NOW);
    expect(stats.recent(NOW).successRate).toBeNull();
  });

  it('keeps the time of the last success', () => {
    const stats = new ExtractionStats();
    stats.succeeded(NOW);
    expect(stats.lastSuccess).toBe(NOW);
  });

  it('calls every listener on reset and forgets the latest attempts', () => {
    const stats = new ExtractionStats();
    const calls: number[] = [];
    stats.onReset(() => calls.push(1));
    stats.onReset(() => calls.push(2));
    stats.failed('timeout', NOW);
    stats.reset();
    expect(calls).toEqual([1, 2]);
    expect(stats.summary(NOW).attempts).toBe(0);
    expect(stats.failures(NOW)).toEqual({ timeout: 1 });
  });
});
