export { type Mp3Options, Mp3s, type Mp3sOptions } from './mp3s.ts';
export type { Tags } from './tags.ts';
