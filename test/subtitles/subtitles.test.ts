import { describe, expect, it } from 'vitest';
import { convertSubtitle } from '../../src/subtitles/index.ts';

const caption = (...utterances: object[]) => JSON.stringify({ utterances });
const JSON_CAPTION = caption(
  { start_time: 3_661_001, end_time: 3_662_000, text: 'after\n\n\nan hour' },
  { start_time: 0, end_time: 1800, text: ' I <3 you & --> me ' },
);
const VTT = `\uFEFFWEBVTT - from somewhere
X-TIMESTAMP-MAP=LOCAL:00:00:00.000

STYLE
::cue { color: red }

NOTE 00:00 is nothing

intro
00:01.007 --> 00:02.500 align:start position:0%
<v Ann><i>Hi</i>,</v> you &amp; <c.yellow.bg_blue>me</c> <00:01.500>1 < 2

00:00:00.500 --> 00:00:01.500
overlaps, and comes first

00:00:02.000 --> 00:00:02.900

00:00:03.000 --> 00:00:03.000
shown for no time
100:00:00.000 --> 100:00:01.000
too late for a day
`;
const SRT =
  '2\r\n00:00:01,500 --> 00:00:02,000\r\nOne, <b>two</b>\r\nthree\r\n \r\n3\r\n00:00:03,001 --> 00:00:04,000\r\nfour';

interface Shown {
  text: string;
  from: string;
  to: string;
}

const cue = (from: string, to: string, text: string): Shown => ({ from, to, text });

/** The cues of a file, read as naively as possible. */
function cuesOf(file: string, format: 'vtt' | 'srt'): Shown[] {
  const blocks = file.trimEnd().split('\n\n');
  return blocks.slice(format === 'vtt' ? 1 : 0).map((block, index) => {
    const lines = block.split('\n');
    if (format === 'srt') expect(lines.shift()).toBe(String(index + 1));
    const [from = '', to = ''] = (lines.shift() ?? '').split(' --> ');
    return { from, to, text: lines.join('\n') };
  });
}

const CUES: readonly [string, string, readonly Shown[]][] = [
  [
    'json',
    JSON_CAPTION,
    [
      cue('00:00:00.000', '00:00:01.800', 'I <3 you & --> me'),
      cue('01:01:01.001', '01:01:02.000', 'after\nan hour'),
    ],
  ],
  [
    'vtt',
    VTT,
    [
      cue('00:00:00.500', '00:00:01.500', 'overlaps, and comes first'),
      cue('00:00:01.007', '00:00:02.500', 'Hi, you & me 1 < 2'),
      cue('23:59:59.999', '23:59:59.999', 'too late for a day'),
    ],
  ],
  [
    'srt',
    SRT,
    [cue('00:00:01.500', '00:00:02.000', 'One, two\nthree'), cue('00:00:03.001', '00:00:04.000', 'four')],
  ],
];

describe.each(CUES)('captions in %s', (extension, file, cues) => {
  it('have the same cues as SRT, numbered, in order, to the millisecond', () => {
    const srt = convertSubtitle(file, extension, 'srt') ?? '';
    const comma = (time: string) => time.replace('.', ',');
    expect(cuesOf(srt, 'srt')).toEqual(
      cues.map(({ from, to, text }) => cue(comma(from), comma(to), text.replace('-->', '→'))),
    );
  });

  it('are one line for each cue as text', () => {
    const texts = cues.map(({ text }) => text.replaceAll('\n', ' '));
    const lines = convertSubtitle(file, extension, 'txt')?.split('\n') ?? [];
    expect(lines.filter((line) => line !== 'shown for no time')).toEqual([...texts, '']);
  });

  it.skipIf(extension === 'vtt')('have the same cues as WebVTT, escaped', () => {
    const escaped = (text: string) =>
      text.replace(/[&<>]/g, (one) => ({ '&': '&amp;', '<': '&lt;' })[one] ?? '&gt;');
    const vtt = convertSubtitle(file, extension, 'vtt') ?? '';
    expect(vtt).toMatch(/^WEBVTT\n\n/);
    expect(cuesOf(vtt, 'vtt')).toEqual(cues.map((one) => ({ ...one, text: escaped(one.text) })));
    expect(convertSubtitle(vtt, 'vtt', 'srt')).toBe(convertSubtitle(file, extension, 'srt'));
  });
});

it('passes WebVTT through', () => {
  expect(convertSubtitle(VTT, 'vtt', 'vtt')).toBe(VTT);
});

it('writes a text that no cue shows for any time as text only', () => {
  expect(convertSubtitle(VTT, 'vtt', 'txt')).toContain('shown for no time\n');
});

it.each([
  ['{', 'json'],
  ['[]', 'json'],
  ['{"utterances": 5}', 'json'],
  [caption({ start_time: 'x', end_time: 1, text: 'a' }), 'json'],
  [caption({}), 'json'],
  ['WEBVTT\n\nNOTE nothing\n', 'vtt'],
  ['WEBVTT\n\n00:02.000 --> 00:01.000\nbackwards\n', 'vtt'],
])('finds nothing in %s', (file, extension) => {
  expect(convertSubtitle(file, extension, 'srt')).toBeNull();
  expect(convertSubtitle(file, extension, 'txt')).toBeNull();
});

it('takes a hostile file in linear time', () => {
  const file = `WEBVTT\n\n00:01.000 --> 00:02.000\n${'<v '.repeat(400_000)}\n${'0:'.repeat(400_000)}`;
  const before = performance.now();
  convertSubtitle(file, 'vtt', 'srt');
  expect(performance.now() - before).toBeLessThan(5000);
});
