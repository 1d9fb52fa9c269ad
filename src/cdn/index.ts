export type { Resolve, ResolvedAddress } from './addresses.ts';
export {
  type MediaAnswer,
  MediaClient,
  type MediaClientOptions,
  type OpenOptions,
  type RelayStats,
} from './client.ts';
export { headersFor, judge, type MediaRequest } from './conditions.ts';
export { contentDisposition, encodedFileName, type FileNameParts, mediaFileName } from './filename.ts';
export {
  type FetchedMedia,
  type FetchOptions,
  type FetchToFileOptions,
  fetchToBuffer,
  fetchToFile,
} from './files.ts';
export { isMediaHost, mediaUrl } from './hosts.ts';
export { HEAD_BYTES, type MediaType, sniffMedia } from './sniff.ts';
export { isRefusal, type MediaSource, type Renew } from './source.ts';
