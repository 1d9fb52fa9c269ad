import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ErrorCode, ServiceError } from '../../src/errors.ts';
import { Canary, ExtractionStats } from '../../src/health/index.ts';

const URL_OF_A_POST = 'https://www.tiktok.com/@a/video/7400000000000000001';
const MINUTE = 60_000;

let stats: ExtractionStats;
let extractions: number;
let outcome: 'ok' | ErrorCode;
let canary: Canary;

beforeEach(() => {
  vi.useFakeTimers();
  stats = new ExtractionStats();
  extractions = 0;
  outcome = 'ok';
  canary = new Canary({
    url: URL_OF_A_POST,
    stats,
    log: pino({ level: 'silent' }),
    random: () => 0.5,
    extract: async () => {
      extractions += 1;
      if (outcome !== 'ok') throw new ServiceError(outcome);
      stats.succeeded();
    },
  });
  canary.start();
});

afterEach(() => {
  canary.stop();
  vi.useRealTimers();
});

describe('Canary', () => {
  it('extracts its post every five minutes while clients request none', async () => {
    await vi.advanceTimersByTimeAsync(21 * MINUTE);
    expect(extractions).toBe(5);
    expect(canary.status).toMatchObject({ last: { code: 'ok' }, failures_in_a_row: 0 });
  });

  it('extracts nothing while clients are served', async () => {
    const clients = setInterval(() => stats.succeeded(), 10_000);
    stats.succeeded();
    await vi.advanceTimersByTimeAsync(30 * MINUTE);
    clearInterval(clients);
    expect(extractions).toBe(0);
  });

  it('fails four times within a minute and backs off after that', async () => {
    outcome = 'extractor_outdated';
    await vi.advanceTimersByTimeAsync(MINUTE);
    expect(canary.status.failures_in_a_row).toBeGreaterThanOrEqual(4);
    const soon = extractions;
    await vi.advanceTimersByTimeAsync(60 * MINUTE);
    expect(extractions - soon).toBeLessThan(20);
    outcome = 'ok';
    await vi.advanceTimersByTimeAsync(5 * MINUTE);
    expect(canary.status.failures_in_a_row).toBe(0);
  });

  it('checks at once after a change of the engine that follows hours of failures', async () => {
    outcome = 'extractor_outdated';
    await vi.advanceTimersByTimeAsync(60 * MINUTE);
    outcome = 'ok';
    stats.reset();
    await vi.advanceTimersByTimeAsync(5000);
    expect(canary.status).toMatchObject({ last: { code: 'ok' }, failures_in_a_row: 0 });
  });

  it('restarts its back-off after a change of the engine that does not help', async () => {
    outcome = 'extractor_outdated';
    await vi.advanceTimersByTimeAsync(60 * MINUTE);
    const before = extractions;
    stats.reset();
    await vi.advanceTimersByTimeAsync(MINUTE);
    expect(extractions - before).toBeGreaterThanOrEqual(4);
    expect(canary.status.failures_in_a_row).toBe(extractions);
  });

  it('does not check sooner after a change of the engine while nothing fails', async () => {
    await vi.advanceTimersByTimeAsync(MINUTE);
    stats.reset();
    await vi.advanceTimersByTimeAsync(MINUTE);
    expect(extractions).toBe(1);
  });

  it('leaves other listeners for a change of the engine in place', () => {
    const heard: string[] = [];
    stats.onReset(() => heard.push('other'));
    stats.reset();
    expect(heard).toEqual(['other']);
  });

  it('ignores a full queue', async () => {
    outcome = 'busy';
    await vi.advanceTimersByTimeAsync(20 * MINUTE);
    expect(canary.status).toEqual({ last: null, failures_in_a_row: 0 });
  });

  it('throws when CANARY_URL is no post', () => {
    const options = { stats, log: pino({ level: 'silent' }), extract: () => Promise.resolve() };
    expect(() => new Canary({ ...options, url: 'https://example.com/' })).toThrow(ServiceError);
  });
});
