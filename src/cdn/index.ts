export {
  type FetchedMedia,
  type FetchOptions,
  type FetchToFileOptions,
  fetchToBuffer,
  fetchToFile,
} from './download.ts';
export { isMediaHost, mediaUrl } from './hosts.ts';
export {
  MediaClient,
  type MediaClientOptions,
  type MediaStatus,
  type OpenOptions,
  type RelayStats,
} from './media-client.ts';
export type { MediaAddress } from './request.ts';
export { isMissingAtCdn, type MediaSource, type Renew } from './source.ts';
export type { Resolve, ResolvedAddress } from './ssrf-guard.ts';
