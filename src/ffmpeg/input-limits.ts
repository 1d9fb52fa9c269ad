/**
 * Limits of untrusted inputs: only files, and no format that opens other files or addresses (playlists, scripts,
 * image sequences).
 */
const ONLY_FILES = ['-protocol_whitelist', 'file'];

/** Options of an input that is a track or a video. */
export const SOUND_INPUT = [
  ...ONLY_FILES,
  ...['-format_whitelist', 'mp3,aac,mov,matroska,webm,ogg,wav,flac,mpegts,flv'],
];

/** Pixels of one picture; TikTok's own limit is 1080p. */
export const MAX_PIXELS = 50_000_000;

/** Options of an input that is a picture. No HEIF: of a picture in tiles, most ffmpegs decode the first tile only. */
export const PICTURE_INPUT = [
  ...ONLY_FILES,
  ...['-format_whitelist', 'jpeg_pipe,png_pipe,webp_pipe', '-max_pixels', String(MAX_PIXELS)],
];

/** Options of an input that is a JPEG of our own. */
export const JPEG_INPUT = [...ONLY_FILES, '-f', 'jpeg_pipe'];
