/**
 * The stand-in for TikTok, Douyin and their CDNs: an HTTP proxy (CONNECT) with a CA of its own that answers for their
 * hosts. The service gets it as PROXY_URLS and EXTRA_CA_CERTS and needs to know nothing else.
 *
 * It follows the public record. Each behaviour names where it comes from: "captured" are bytes, "measured" is what a
 * named project wrote down, a number of readers or claims is that many independent implementations. What the record
 * leaves open is in Settings.
 *
 * Ids: 75… are posts that a test registered, 76… the SCENARIOS, 74… any video and 73… any photo post without
 * registration (the same in every process), `ZG` and such an id a short code for it. All else does not exist.
 */
export type { AssetRef } from './addresses.ts';
export { bytesOf, type Content, chunksOf, sha256Of } from './content.ts';
export type { Fault, FaultMatch, FaultRule } from './faults.ts';
export type { Asked, JournalEntry } from './journal.ts';
export { LIVE_SECONDS, SOUND_SECONDS, VIDEO_SECONDS } from './media.ts';
export {
  type AssetPart,
  DASH_RENDITIONS,
  filteredPost,
  PHOTO_SHAPES,
  type PhotoShape,
  photoPost,
  portraits,
  RENDITIONS,
  type RenditionName,
  type StandinPost,
  statusPost,
  TYPICAL_RENDITIONS,
  videoPost,
} from './posts.ts';
export { REFUSAL_KINDS, type RefusalKind, type RefusalMatch, type RefusalRule } from './refusals.ts';
export { SCENARIOS, type Scenario, SOURCE_SCENARIOS, scenario } from './scenarios.ts';
export type { Elsewhere, ShortForm, ShortLink, ShortLinkOptions } from './short-links.ts';
export { DOUYIN_SOURCES, type Settings, type Source, TIKTOK_SOURCES } from './sources.ts';
export { type Block, type Standin, type StandinOptions, startStandin } from './standin.ts';
