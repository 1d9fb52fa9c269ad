import { describe, expect, it } from 'vitest';
import { EngineComparison, mayBeEngineFault } from '../../src/extraction/engine-comparison.ts';

const NOW = 1_900_000_000_000;

function trial(succeeded: number, strikes: number): EngineComparison {
  const one = new EngineComparison(NOW);
  for (let i = 0; i < succeeded; i += 1) one.recordSuccess();
  for (let i = 0; i < strikes; i += 1) one.recordFailure();
  return one;
}

describe('the trial of a new engine', () => {
  it.each([
    [0, 0, null],
    [0, 2, null],
    [0, 3, 'worse'],
    [27, 3, 'worse'],
    [28, 3, null],
    [499, 3, null],
    [500, 3, 'good'],
  ])('with %i successes and %i strikes says %s', (succeeded, strikes, verdict) => {
    expect(trial(succeeded, strikes).result(NOW)).toBe(verdict);
  });

  it('ends after ten minutes', () => {
    expect(trial(20, 1).result(NOW + 10 * 60_000)).toBe('good');
  });

  it('asks the former engine about what may be the new one’s fault, and nothing else', () => {
    expect(
      ['extractor_outdated', 'timeout', 'internal', 'busy'].every((code) => mayBeEngineFault(code as 'busy')),
    ).toBe(true);
    expect(
      ['post_not_found', 'post_private', 'ip_blocked'].some((code) => mayBeEngineFault(code as 'busy')),
    ).toBe(false);
  });
});
