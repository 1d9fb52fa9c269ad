export { type CachedFile, respondWithFile } from './cached-file.ts';
export { contentDisposition, encodedFileName } from './disposition.ts';
export { fileEtag, strongEtag } from './etag.ts';
export { FileNames, type NamedPost } from './file-name.ts';
export { type MediaMetadata, readMetadata } from './metadata.ts';
export type { MediaRequest } from './preconditions.ts';
export { type ByteRange, parseContentRange, parseRange } from './range.ts';
export { type MediaResponse, type OpenBody, type RespondOptions, respond } from './respond.ts';
export { type MediaType, SNIFF_BYTES, sniffMedia } from './sniff.ts';
