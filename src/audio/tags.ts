import type { MediaSource } from '../cdn/index.ts';

/** Tags of a sound. */
export interface Tags {
  title: string;
  artist: string;
  album: string;
  /** Any picture; becomes a JPEG. */
  cover: MediaSource | null;
}

/** Characters of one tag. */
const MAX_LENGTH = 200;

/** An untrusted text as one bounded line without control characters, lone surrogates and direction marks. */
export function tagText(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Cs}\u2028\u2029\u200E\u200F\u202A-\u202E\u2066-\u2069]+/gu, ' ');
  return [...line.replace(/\s+/g, ' ').trim()].slice(0, MAX_LENGTH).join('').trim();
}

/** The tags as options of ffmpeg; an empty text sets nothing. */
export function tagOptions({ title, artist, album }: Omit<Tags, 'cover'>): string[] {
  return Object.entries({ title, artist, album }).flatMap(([name, text]) => {
    const clean = tagText(text);
    return clean === '' ? [] : ['-metadata', `${name}=${clean}`];
  });
}
