import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { FrameRepeater } from '../../src/slideshow/frame-repeater.ts';

const nal = (type: number, content: string) =>
  Buffer.from([0, 0, 0, 1, 0x60 | type, ...Buffer.from(content)]);
const headers = Buffer.concat([nal(7, 'sps'), nal(8, 'pps')]);
const key = (content: string) => Buffer.concat([headers, nal(5, content)]);
const repeats = Array.from({ length: 16 }, (_, i) => nal(1, `r${i + 1}`));
const lead = Buffer.concat([key('black'), ...repeats]);

async function through(
  input: Buffer,
  slideFrames: number[],
  chunk: number,
  done: number[] = [],
  ownFrames = slideFrames.map(() => 1),
): Promise<Buffer> {
  const chunks = Array.from({ length: Math.ceil(input.length / chunk) }, (_, i) =>
    input.subarray(i * chunk, (i + 1) * chunk),
  );
  const stream = new FrameRepeater(slideFrames, ownFrames, (slide) => done.push(slide));
  return buffer(Readable.from(chunks, { objectMode: false }).compose(stream));
}

it.each([1, 2, 3, 5, 7, 64, 10_000])(
  'puts repeats between the pictures, whatever the chunks (%i bytes)',
  async (chunk) => {
    const done: number[] = [];
    const output = await through(Buffer.concat([lead, key('one'), key('two')]), [3, 20], chunk, done);
    const expected = [key('one'), ...repeats.slice(0, 2), key('two'), ...repeats, ...repeats.slice(0, 3)];
    expect(output.toString('hex')).toBe(Buffer.concat(expected).toString('hex'));
    expect(done).toEqual([1, 2]);
  },
);

it('repeats the key frame after ten seconds and counts from there', async () => {
  const output = await through(Buffer.concat([lead, key('one')]), [252], 100);
  const expected = [
    key('one'),
    ...Array.from({ length: 249 }, (_, i) => repeats[i % 16] ?? ''),
    key('one'),
    repeats[0] ?? '',
  ];
  expect(output.equals(Buffer.concat(expected.map((part) => Buffer.from(part))))).toBe(true);
});

it('keeps the frames of a clip, and repeats its last one by its number', async () => {
  const moving = [nal(1, 'x'.repeat(500)), nal(1, 'm3')];
  const input = Buffer.concat([lead, key('clip'), ...moving, key('two')]);
  const output = await through(input, [5, 1], 100, [], [3, 1]);
  const expected = [key('clip'), ...moving, ...repeats.slice(2, 4), key('two')];
  expect(output.toString('hex')).toBe(Buffer.concat(expected).toString('hex'));
});

it('rejects a clip that lacks a frame', async () => {
  const input = Buffer.concat([lead, key('clip'), nal(1, 'm2'), key('two')]);
  await expect(through(input, [5, 1], 50, [], [3, 1])).rejects.toThrow('2 frames of a clip of 3');
});

it.each([
  ['fewer pictures than slides', Buffer.concat([lead, key('one')]), 'made 1 key frames for 2'],
  ['more pictures than slides', Buffer.concat([lead, key('1'), key('2'), key('3')]), 'more key frames'],
  ['too few repeats', Buffer.concat([key('black'), nal(1, 'r1'), key('1'), key('2')]), '1 repeats'],
  [
    'a repeat that shows something',
    Buffer.concat([key('black'), nal(1, 'x'.repeat(500)), key('1')]),
    'not empty',
  ],
  ['nothing', Buffer.alloc(0), 'made 0 key frames'],
])('refuses %s', async (_name, input, message) => {
  await expect(through(input, [5, 5], 50)).rejects.toThrow(message);
});
