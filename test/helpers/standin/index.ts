/** The stand-in for TikTok, Douyin and their CDNs: an HTTP proxy that plays them all. */
export type { AssetRef } from './addresses.ts';
export { bytesOf, type Content, chunksOf, sha256Of } from './content.ts';
export type { Fault, FaultMatch, FaultRule } from './faults.ts';
export type { JournalEntry } from './journal.ts';
export { SOUND_SECONDS, VIDEO_SECONDS } from './media.ts';
export {
  type AssetPart,
  PHOTO_SHAPES,
  type PhotoShape,
  photoPost,
  portraits,
  RENDITIONS,
  type RenditionName,
  type StandinPost,
  statusPost,
  videoPost,
} from './posts.ts';
export { SCENARIOS, type Scenario, scenario } from './scenarios.ts';
export type { ShortForm, ShortLink } from './short-links.ts';
export { type Block, type Standin, type StandinOptions, startStandin } from './standin.ts';
