import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineSplitter } from '../../src/extraction/lines.ts';

const split = (...chunks: Buffer[]) => {
  const splitter = new LineSplitter();
  return chunks.flatMap((chunk) => [...splitter.push(chunk)]);
};

describe('the line splitter', () => {
  it('gives the same lines however the bytes arrive, also when a character is torn', () => {
    const line = fc.string({ unit: 'grapheme', maxLength: 40 }).filter((text) => !text.includes('\n'));
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), fc.array(fc.nat(400)), (lines, cuts) => {
        const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''));
        const at = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
        const chunks = at.slice(1).map((end, index) => bytes.subarray(at[index], end));
        expect(split(...chunks)).toEqual(lines);
      }),
    );
  });

  it('keeps back a line that has no end yet', () => {
    expect(split(Buffer.from('one\ntwo'))).toEqual(['one']);
  });

  it('gives an empty line for two ends in a row', () => {
    expect(split(Buffer.from('\n\n'))).toEqual(['', '']);
  });

  it('accepts a line of 2 MiB', () => {
    const [line] = split(Buffer.alloc(2 * 1024 * 1024, 'x'), Buffer.from('\n'));
    expect(line?.length).toBe(2 * 1024 * 1024);
  });

  it('refuses a line that grows beyond all reason', () => {
    const splitter = new LineSplitter();
    const megabytes = Buffer.alloc(1.5 * 1024 * 1024, 'x');
    expect([...splitter.push(megabytes)]).toEqual([]);
    expect(() => [...splitter.push(megabytes)]).toThrow(RangeError);
  });

  it('counts each line for itself', () => {
    const long = Buffer.concat([Buffer.alloc(1.5 * 1024 * 1024, 'x'), Buffer.from('\n')]);
    expect(split(long, long, long)).toHaveLength(3);
  });
});
