import { stat } from 'node:fs/promises';
import {
  assertWholeMp4,
  FfmpegFailed,
  type FfmpegInput,
  ffmpegToFile,
  finishWithin,
  JPEG_INPUT,
  PICTURE_INPUT,
  SOUND_INPUT,
} from '../ffmpeg/index.ts';
import { CONVERSION_LIMIT_MS, COVER_LIMIT_MS, MAX_MP3_BYTES, MAX_MP3_SECONDS } from '../renders/index.ts';
import { assertWholeMp3 } from './assert-whole-mp3.ts';
import { type Tags, tagOptions } from './tags.ts';

interface Conversion {
  ffmpegPath: string;
  /** Kills ffmpeg. */
  signal: AbortSignal;
}

/** Without it ffmpeg 5.1 exits with 0 when the last 32 KB did not fit on the disk. */
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

/** Bytes of a second at 192 kbit/s. */
const BYTES_PER_SECOND = 24_000;

/**
 * - Constant 192 kbit/s: TikTok's AAC has at most 128, and with a constant rate a player needs no index to seek.
 * - ID3v2.3, which Windows, cars and old players read.
 * - Bit-exact and without the source's metadata: the same track gives the same bytes and the same ETag.
 * - A track without a single packet fails.
 * - `-t` and `-fs` bound a small file that unpacks to hours.
 */
const MP3_OUTPUT = [
  ...['-c:a', 'libmp3lame', '-b:a', '192k', '-flags:a', '+bitexact', '-fflags', '+bitexact'],
  ...['-map_metadata', '-1', '-map_metadata:s', '-1', '-map_chapters', '-1', '-id3v2_version', '3'],
  ...['-abort_on', 'empty_output_stream', '-threads', '1', '-f', 'mp3'],
  ...['-t', String(MAX_MP3_SECONDS), '-fs', String(MAX_MP3_BYTES)],
  ...EACH_PACKET_WRITTEN,
];
const COVER = ['-map', '1:v:0', '-c:v', 'copy', '-disposition:v:0', 'attached_pic'];
/** ID3's own names. */
const COVER_IN_MP3 = [...COVER, '-metadata:s:v', 'title=Cover', '-metadata:s:v', 'comment=Cover (front)'];

/** The packets of the source, without its metadata; the index first, for players that fetch. */
const M4A_OUTPUT = [
  ...['-c:a', 'copy', '-map_metadata', '-1', '-map_metadata:s', '-1', '-map_chapters', '-1'],
  ...['-fflags', '+bitexact', '-movflags', '+faststart', '-abort_on', 'empty_output_stream'],
  ...['-f', 'ipod', ...EACH_PACKET_WRITTEN],
];

/**
 * Makes a JPEG cover of a picture.
 * @throws FfmpegFailed; the signal's reason
 */
export async function makeCover(picture: string, jpeg: string, { ffmpegPath, signal }: Conversion) {
  const inputs = [{ source: picture, options: PICTURE_INPUT }];
  const run = ffmpegToFile({ ffmpegPath, inputs, outputOptions: COVER_OUTPUT }, jpeg);
  await finishWithin(run, { limitMs: COVER_LIMIT_MS, signal });
}

/** A fetched track or video, its tags, and a cover as JPEG. */
export interface SoundInput {
  sound: string;
  tags: Omit<Tags, 'cover'>;
  cover: string | null;
}

/**
 * Makes an MP3 of the first sound in a file.
 * @throws FfmpegFailed, also where there is no sound or more than MAX_MP3_SECONDS; the signal's reason
 */
export async function makeMp3(input: SoundInput, mp3: string, conversion: Conversion): Promise<void> {
  await makeSound(input, [...(input.cover ? COVER_IN_MP3 : []), ...MP3_OUTPUT], mp3, conversion);
  await checked(async () => {
    await assertWholeMp3(mp3);
    // `-t` cuts without an error.
    if ((await stat(mp3)).size >= MAX_MP3_SECONDS * BYTES_PER_SECOND) {
      throw new Error(`the sound is longer than ${MAX_MP3_SECONDS} s`);
    }
  });
}

/**
 * Makes an M4A of the first sound in a file, without encoding it again.
 * @throws FfmpegFailed, also where there is no sound, or one that is no AAC; the signal's reason
 */
export async function makeM4a(input: SoundInput, m4a: string, conversion: Conversion): Promise<void> {
  await makeSound(input, [...(input.cover ? COVER : []), ...M4A_OUTPUT], m4a, conversion);
  await checked(() => assertWholeMp4(m4a));
}

async function makeSound(
  { sound, tags, cover }: SoundInput,
  output: readonly string[],
  path: string,
  { ffmpegPath, signal }: Conversion,
): Promise<void> {
  const inputs: FfmpegInput[] = [{ source: sound, options: SOUND_INPUT }];
  if (cover) inputs.push({ source: cover, options: JPEG_INPUT });
  const outputOptions = ['-map', '0:a:0', ...output, ...tagOptions(tags)];
  const run = ffmpegToFile({ ffmpegPath, inputs, outputOptions }, path);
  await finishWithin(run, { limitMs: CONVERSION_LIMIT_MS, signal });
}

async function checked(check: () => Promise<void>): Promise<void> {
  await check().catch((error: Error) => {
    throw new FfmpegFailed(error, '');
  });
}
