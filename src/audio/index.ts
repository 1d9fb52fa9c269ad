export { type SoundFormat, type SoundOptions, Sounds, type SoundsOptions } from './sounds.ts';
export type { Tags } from './tags.ts';
