import type { MediaSource } from '../cdn/index.ts';

/** What an MP3 says about itself. */
export interface Tags {
  title: string;
  artist: string;
  album: string;
  /** Any picture that ffmpeg can read; it becomes a JPEG. */
  cover: MediaSource | null;
}

/** Characters; players show far less, and nobody's title may blow up a file. */
const MAX_LENGTH = 200;

/**
 * A text of a stranger's as one bounded line: no control characters, halves of surrogate pairs or marks that turn
 * the direction of everything after them.
 */
export function tagText(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Cs}\u2028\u2029\u200E\u200F\u202A-\u202E\u2066-\u2069]+/gu, ' ');
  return [...line.replace(/\s+/g, ' ').trim()].slice(0, MAX_LENGTH).join('').trim();
}

/** As ffmpeg's options; an empty text sets nothing. */
export function tagOptions({ title, artist, album }: Omit<Tags, 'cover'>): string[] {
  return Object.entries({ title, artist, album }).flatMap(([name, text]) => {
    const clean = tagText(text);
    return clean === '' ? [] : ['-metadata', `${name}=${clean}`];
  });
}
