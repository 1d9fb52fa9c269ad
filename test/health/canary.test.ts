import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ErrorCode, ServiceError } from '../../src/errors.ts';
import { Canary, ExtractionStats } from '../../src/health/index.ts';

const URL_OF_A_POST = 'https://www.tiktok.com/@a/video/7400000000000000001';
const MINUTE = 60_000;

let stats: ExtractionStats;
let asked: number;
let answer: 'ok' | ErrorCode;
let canary: Canary;

beforeEach(() => {
  vi.useFakeTimers();
  stats = new ExtractionStats();
  asked = 0;
  answer = 'ok';
  canary = new Canary({
    url: URL_OF_A_POST,
    stats,
    log: pino({ level: 'silent' }),
    random: () => 0.5,
    extract: async () => {
      asked += 1;
      if (answer !== 'ok') throw new ServiceError(answer);
      stats.succeeded();
    },
  });
  canary.start();
});

afterEach(() => {
  canary.stop();
  vi.useRealTimers();
});

describe('the canary', () => {
  it('is fetched every five minutes while nobody asks for anything', async () => {
    await vi.advanceTimersByTimeAsync(21 * MINUTE);
    expect(asked).toBe(5);
    expect(canary.status).toMatchObject({ last: { code: 'ok' }, failures_in_a_row: 0 });
  });

  it('stays at home while visitors are served', async () => {
    const visitors = setInterval(() => stats.succeeded(), 10_000);
    stats.succeeded();
    await vi.advanceTimersByTimeAsync(30 * MINUTE);
    clearInterval(visitors);
    expect(asked).toBe(0);
  });

  it('knows within a minute that things are bad, and then loses interest', async () => {
    answer = 'extractor_outdated';
    await vi.advanceTimersByTimeAsync(MINUTE);
    expect(canary.status.failures_in_a_row).toBeGreaterThanOrEqual(4);
    const soon = asked;
    await vi.advanceTimersByTimeAsync(60 * MINUTE);
    expect(asked - soon).toBeLessThan(20);
    answer = 'ok';
    await vi.advanceTimersByTimeAsync(5 * MINUTE);
    expect(canary.status.failures_in_a_row).toBe(0);
  });

  it('is asked at once when another engine is at work after a long blind night', async () => {
    answer = 'extractor_outdated';
    await vi.advanceTimersByTimeAsync(60 * MINUTE);
    answer = 'ok';
    stats.reset();
    await vi.advanceTimersByTimeAsync(5000);
    expect(canary.status).toMatchObject({ last: { code: 'ok' }, failures_in_a_row: 0 });
  });

  it('is asked soon, and often at first, when another engine is at work that is no better', async () => {
    answer = 'extractor_outdated';
    await vi.advanceTimersByTimeAsync(60 * MINUTE);
    const before = asked;
    stats.reset();
    await vi.advanceTimersByTimeAsync(MINUTE);
    expect(asked - before).toBeGreaterThanOrEqual(4);
    expect(canary.status.failures_in_a_row).toBe(asked);
  });

  it('has no reason to hurry for another engine while all is well', async () => {
    await vi.advanceTimersByTimeAsync(MINUTE);
    stats.reset();
    await vi.advanceTimersByTimeAsync(MINUTE);
    expect(asked).toBe(1);
  });

  it('takes a full queue for a sign of life', async () => {
    answer = 'busy';
    await vi.advanceTimersByTimeAsync(20 * MINUTE);
    expect(canary.status).toEqual({ last: null, failures_in_a_row: 0 });
  });

  it('must be a post', () => {
    const options = { stats, log: pino({ level: 'silent' }), extract: () => Promise.resolve() };
    expect(() => new Canary({ ...options, url: 'https://example.com/' })).toThrow(ServiceError);
  });
});
