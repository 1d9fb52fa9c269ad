export {
  type FetchedMedia,
  type FetchOptions,
  type FetchToFileOptions,
  fetchToBuffer,
  fetchToFile,
} from './download.ts';
export { isMediaHost, mediaUrl, USUAL_HOSTS } from './hosts.ts';
export {
  type HealingTrace,
  MediaClient,
  type MediaClientOptions,
  type MediaStatus,
  type OpenOptions,
} from './media-client.ts';
export { type FileFault, type FileOutcome, faultOf } from './outcome.ts';
export type { RelayStats } from './relay-counts.ts';
export type { MediaAddress } from './request.ts';
export { isMissingAtCdn, type MediaSource, type Renew } from './source.ts';
export { AddressGuard, type NetworkStatus, type Resolve, type ResolvedAddress } from './ssrf-guard.ts';
