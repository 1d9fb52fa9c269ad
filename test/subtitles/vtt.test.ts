import { describe, expect, it } from 'vitest';
import { toVtt } from '../../src/subtitles/vtt.ts';

const caption = (...utterances: object[]) => JSON.stringify({ utterances });

describe('toVtt', () => {
  it('passes WebVTT through', () => {
    expect(toVtt('WEBVTT\n\n1', 'vtt')).toBe('WEBVTT\n\n1');
  });

  it('turns SubRip’s commas into points and gives it a header', () => {
    const srt = '1\r\n00:00:01,500 --> 00:00:02,000\r\nOne, two\r\n';
    expect(toVtt(srt, 'srt')).toBe('WEBVTT\n\n1\n00:00:01.500 --> 00:00:02.000\nOne, two\n');
  });

  it('writes what creators wrote as cues', () => {
    const json = caption(
      { start_time: 0, end_time: 1800, text: ' first ' },
      { start_time: 3_661_001, end_time: 3_662_000, text: 'after an hour' },
    );
    expect(toVtt(json, 'json')).toBe(
      'WEBVTT\n\n00:00:00.000 --> 00:00:01.800\nfirst\n\n01:01:01.001 --> 01:01:02.000\nafter an hour\n',
    );
  });

  it('keeps a cue in one piece whatever is in its text', () => {
    const vtt = toVtt(caption({ start_time: 0, end_time: 1, text: 'a\n\n\nb --> c' }), 'json');
    expect(vtt).toBe('WEBVTT\n\n00:00:00.000 --> 00:00:00.001\na\nb → c\n');
  });

  it.each([
    ['{'],
    ['[]'],
    ['{"utterances": 5}'],
    [caption({ start_time: 'x', end_time: 1, text: 'a' })],
    [caption({})],
  ])('finds nothing in %s', (json) => {
    expect(toVtt(json, 'json')).toBeNull();
  });
});
