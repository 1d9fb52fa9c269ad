import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ServiceError } from '../../src/errors.ts';
import { DOWNLOAD_LIMITS, DownloadLimiter } from '../../src/http/download-limiter.ts';

const refusal = (take: () => unknown) => {
  try {
    take();
  } catch (error) {
    if (error instanceof ServiceError) return [error.code, error.retryAfter];
    throw error;
  }
  return null;
};

describe('relay slots', () => {
  it('are refused as busy, with a time to come back, beyond the cap of a client', () => {
    const slots = new DownloadLimiter({ all: 10, each: 2 });
    const give = slots.take('a');
    slots.take('a');
    expect(refusal(() => slots.take('a'))).toEqual(['busy', 5]);
    expect(refusal(() => slots.take('b'))).toBeNull();
    give();
    expect(refusal(() => slots.take('a'))).toBeNull();
  });

  it('are refused as busy beyond the cap of all', () => {
    const slots = new DownloadLimiter(DOWNLOAD_LIMITS);
    for (let n = 0; n < DOWNLOAD_LIMITS.all; n += 1) slots.take(`client ${n}`);
    expect(refusal(() => slots.take('another'))).toEqual(['busy', 5]);
  });

  it('know no cap of a client where there is none', () => {
    const slots = new DownloadLimiter({ all: 100, each: null });
    for (let n = 0; n < 100; n += 1) slots.take('a');
    expect(slots.taken).toBe(100);
  });

  it('are all free again in the end, in whatever order they were taken and given back, however often', () => {
    const step = fc.record({ client: fc.constantFrom('a', 'b', 'c'), give: fc.boolean(), at: fc.nat(50) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const slots = new DownloadLimiter({ all: 20, each: 8 });
        const held: (() => void)[] = [];
        for (const { client, give, at } of steps) {
          if (give) held[at]?.();
          else refusal(() => held.push(slots.take(client)));
          expect(slots.taken).toBeLessThanOrEqual(20);
        }
        for (const give of held) give();
        expect(slots.taken).toBe(0);
        for (let n = 0; n < 8; n += 1) slots.take('a');
        expect(refusal(() => slots.take('a'))).toEqual(['busy', 5]);
      }),
    );
  });
});
