import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseContentRange, parseRange } from '../../src/media/range.ts';

const size = fc.nat(1_000_000);
const position = fc.nat(2_000_000);

describe('parseRange', () => {
  it('agrees with the definition for every first and last byte', () => {
    fc.assert(
      fc.property(size, position, fc.option(position), (n, from, to) => {
        const got = parseRange(`bytes=${from}-${to ?? ''}`, n);
        if (to !== null && to < from) expect(got).toBeNull();
        else if (from >= n) expect(got).toBe('unsatisfiable');
        else expect(got).toEqual({ start: from, end: Math.min(to ?? n - 1, n - 1) });
      }),
    );
  });

  it('agrees with the definition for every suffix', () => {
    fc.assert(
      fc.property(size, position, (n, suffix) => {
        const got = parseRange(`bytes=-${suffix}`, n);
        if (n === 0 || suffix === 0) expect(got).toBe('unsatisfiable');
        else expect(got).toEqual({ start: Math.max(0, n - suffix), end: n - 1 });
      }),
    );
  });

  it('stays inside the file for any text', () => {
    const near = fc.stringMatching(/^bytes=[-0-9, x]{0,12}$/);
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), near), size, (text, n) => {
        const got = parseRange(text, n);
        if (got === null || got === 'unsatisfiable') return;
        expect(got.start).toBeGreaterThanOrEqual(0);
        expect(got.end).toBeGreaterThanOrEqual(got.start);
        expect(got.end).toBeLessThan(n);
      }),
    );
  });
});

describe('parseContentRange', () => {
  it.each([
    '',
    'bytes',
    'bytes */10',
    'bytes 0-9/*',
    'bytes 5-2/10',
    'bytes 0-10/10',
    'bytes 0-9/99999999999999999999',
  ])('%j is refused', (header) => {
    expect(parseContentRange(header)).toBeNull();
  });

  it('reads what a 206 says', () => {
    expect(parseContentRange('bytes 2-5/10')).toEqual({ start: 2, end: 5, size: 10 });
  });
});
