import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ServiceError } from '../../src/errors.ts';
import { networksOf } from '../../src/http/client-key.ts';
import { DownloadLimiter } from '../../src/http/download-limiter.ts';

const refusal = (take: () => unknown) => {
  try {
    take();
  } catch (error) {
    if (error instanceof ServiceError) return [error.code, error.retryAfter];
    throw error;
  }
  return null;
};

const client = (name: string) => [{ key: name, factor: 1 }];

describe('download slots', () => {
  it('answer busy with Retry-After beyond the limit of a client', () => {
    const slots = new DownloadLimiter({ all: 10, each: 2 });
    const give = slots.take(client('a'));
    slots.take(client('a'));
    expect(refusal(() => slots.take(client('a')))).toEqual(['busy', 5]);
    expect(refusal(() => slots.take(client('b')))).toBeNull();
    give();
    expect(refusal(() => slots.take(client('a')))).toBeNull();
  });

  it('answer busy beyond the limit of all clients', () => {
    const slots = new DownloadLimiter({ all: 1000, each: 32 });
    for (let n = 0; n < 1000; n += 1) slots.take(client(`client ${n}`));
    expect(refusal(() => slots.take(client('another')))).toEqual(['busy', 5]);
  });

  it('are unlimited for a client without a limit', () => {
    const slots = new DownloadLimiter({ all: 100, each: null });
    for (let n = 0; n < 100; n += 1) slots.take(client('a'));
    expect(slots.taken).toBe(100);
  });

  it('are all free again in whatever order they are taken and given back, however often', () => {
    const step = fc.record({ name: fc.constantFrom('a', 'b', 'c'), give: fc.boolean(), at: fc.nat(50) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const slots = new DownloadLimiter({ all: 20, each: 8 });
        const held: (() => void)[] = [];
        for (const { name, give, at } of steps) {
          if (give) held[at]?.();
          else refusal(() => held.push(slots.take(client(name))));
          expect(slots.taken).toBeLessThanOrEqual(20);
        }
        for (const give of held) give();
        expect(slots.taken).toBe(0);
        for (let n = 0; n < 8; n += 1) slots.take(client('a'));
        expect(refusal(() => slots.take(client('a')))).toEqual(['busy', 5]);
      }),
    );
  });

  it('let an IPv6 /56 hold twice and a /48 four times as many as a /64', () => {
    const slots = new DownloadLimiter({ all: 1000, each: 2 });
    const taken = (prefix: (n: number) => string) => {
      let count = 0;
      for (let n = 0; n < 256; n += 1) {
        if (refusal(() => slots.take(networksOf(prefix(n)))) === null) count += 1;
      }
      return count;
    };
    expect(taken((n) => `2001:db8:1:100::${n}`)).toBe(2);
    expect(taken((n) => `2001:db8:1:1${n.toString(16).padStart(2, '0')}::1`)).toBe(2);
    expect(taken((n) => `2001:db8:1:${n.toString(16)}00::1`)).toBe(4);
    expect(taken((n) => `2001:db8:2:${n.toString(16)}00::1`)).toBe(8);
  });
});
