import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineSplitter } from '../../src/extraction/lines.ts';

const split = (...chunks: Buffer[]) => {
  const splitter = new LineSplitter();
  return chunks.flatMap((chunk) => [...splitter.push(chunk)]);
};

describe('LineSplitter', () => {
  it('gives the same lines for any chunks, also when a character is split', () => {
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

  it('holds a line back until its end arrives', () => {
    expect(split(Buffer.from('one\ntwo'))).toEqual(['one']);
  });

  it('gives an empty line between two line ends', () => {
    expect(split(Buffer.from('\n\n'))).toEqual(['', '']);
  });

  it('accepts a line of 2 MiB', () => {
    const [line] = split(Buffer.alloc(2 * 1024 * 1024, 'x'), Buffer.from('\n'));
    expect(line?.length).toBe(2 * 1024 * 1024);
  });

  it('rejects a line beyond the limit', () => {
    const splitter = new LineSplitter();
    const megabytes = Buffer.alloc(1.5 * 1024 * 1024, 'x');
    expect([...splitter.push(megabytes)]).toEqual([]);
    expect(() => [...splitter.push(megabytes)]).toThrow(RangeError);
  });

  it('applies the limit to each line alone', () => {
    const long = Buffer.concat([Buffer.alloc(1.5 * 1024 * 1024, 'x'), Buffer.from('\n')]);
    expect(split(long, long, long)).toHaveLength(3);
  });
});
