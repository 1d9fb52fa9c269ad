import { FfmpegFailed, type FfmpegInput, ffmpegToFile, finishWithin } from '../ffmpeg/index.ts';
import { assertWholeMp3 } from './assert-whole-mp3.ts';
import { type Tags, tagOptions } from './tags.ts';

interface Running {
  ffmpegPath: string;
  /** Kills ffmpeg. */
  signal: AbortSignal;
}

/** A track of ten minutes takes 3 s of one processor, an hour 16 s. Longer than this is an ffmpeg that hangs. */
const CONVERSION_LIMIT_MS = 5 * 60_000;
const COVER_LIMIT_MS = 10_000;

/** What was fetched is untrusted: no playlists, which would make ffmpeg open other files or addresses. */
const ONLY_FILES = ['-protocol_whitelist', 'file'];
const SOUND_INPUT = [...ONLY_FILES, '-format_whitelist', 'mp3,aac,mov,matroska,webm,ogg,wav,flac,mpegts,flv'];
/** No HEIF: of a picture in tiles, most ffmpegs decode the first tile. No picture is larger than 50 megapixels. */
const COVER_INPUT = [
  ...ONLY_FILES,
  ...['-format_whitelist', 'jpeg_pipe,png_pipe,webp_pipe', '-max_pixels', '50000000'],
];

/** Without it ffmpeg (5.1) calls it a success, exit code 0, when the last 32 KB did not fit on the disk. */
const EACH_PACKET_WRITTEN = ['-flush_packets', '1'];

/** Longest side of a cover, in pixels. */
const COVER_SIZE = 720;
const COVER_OUTPUT = [
  ...['-map', '0:v:0', '-frames:v', '1', '-map_metadata', '-1'],
  ...[
    '-vf',
    `scale=w='min(${COVER_SIZE},iw)':h='min(${COVER_SIZE},ih)':force_original_aspect_ratio=decrease`,
  ],
  ...['-c:v', 'mjpeg', '-pix_fmt', 'yuvj420p', '-q:v', '4', '-flags:v', '+bitexact', '-threads', '1'],
  ...['-f', 'mjpeg', ...EACH_PACKET_WRITTEN],
];

/**
 * - Constant 192 kbit/s: TikTok's AAC has at most 128, so nothing more is lost, and with a constant rate every player
 *   knows duration and place without an index.
 * - ID3v2.3: what Windows, cars and old players read.
 * - Bit-exact, without the source's own metadata: the same track gives the same bytes, and with them the same ETag.
 * - A track without a single packet is a failure, not an MP3 of no length.
 */
const MP3_OUTPUT = [
  ...['-c:a', 'libmp3lame', '-b:a', '192k', '-flags:a', '+bitexact', '-fflags', '+bitexact'],
  ...['-map_metadata', '-1', '-map_metadata:s', '-1', '-map_chapters', '-1', '-id3v2_version', '3'],
  ...['-abort_on', 'empty_output_stream', '-threads', '1', '-f', 'mp3'],
  ...EACH_PACKET_WRITTEN,
];
const COVER_IN_MP3 = [
  ...['-map', '1:v:0', '-c:v', 'copy', '-disposition:v:0', 'attached_pic'],
  // ID3's own words for it.
  ...['-metadata:s:v', 'title=Cover', '-metadata:s:v', 'comment=Cover (front)'],
];

/**
 * Makes a cover of any picture.
 * @throws FfmpegFailed; the signal's reason
 */
export async function makeCover(picture: string, jpeg: string, { ffmpegPath, signal }: Running) {
  const inputs = [{ source: picture, options: COVER_INPUT }];
  const run = ffmpegToFile({ ffmpegPath, inputs, outputOptions: COVER_OUTPUT }, jpeg);
  await finishWithin(run, { limitMs: COVER_LIMIT_MS, signal });
}

/** A fetched track or video, what is to be said of it, and a cover as JPEG. */
export interface Mp3Input {
  sound: string;
  tags: Omit<Tags, 'cover'>;
  cover: string | null;
}

/**
 * Makes an MP3 of the first sound in a file.
 * @throws FfmpegFailed, also where there is no sound in it; the signal's reason
 */
export async function makeMp3({ sound, tags, cover }: Mp3Input, mp3: string, running: Running) {
  const { ffmpegPath, signal } = running;
  const inputs: FfmpegInput[] = [{ source: sound, options: SOUND_INPUT }];
  if (cover) inputs.push({ source: cover, options: [...ONLY_FILES, '-f', 'jpeg_pipe'] });
  const outputOptions = [
    ...['-map', '0:a:0', ...(cover ? COVER_IN_MP3 : [])],
    ...MP3_OUTPUT,
    ...tagOptions(tags),
  ];
  const run = ffmpegToFile({ ffmpegPath, inputs, outputOptions }, mp3);
  await finishWithin(run, { limitMs: CONVERSION_LIMIT_MS, signal });
  try {
    await assertWholeMp3(mp3);
  } catch (error) {
    throw new FfmpegFailed(error as Error, '');
  }
}
