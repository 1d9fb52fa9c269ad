import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { heicFrom } from './heic.ts';
import { cmykJpeg, withOrientation } from './jpeg.ts';

const run = promisify(execFile);

/** Seconds of every base video and sound. */
export const VIDEO_SECONDS = 4;
export const SOUND_SECONDS = 6;
/** Seconds of the clip of a live photo. */
export const LIVE_SECONDS = 3;
/** Different pictures of the common portrait size, so that their order can be seen in a slideshow. */
export const PORTRAITS = 8;

const SOUND = ['-f', 'lavfi', '-i', `sine=frequency=440:sample_rate=44100:duration=${SOUND_SECONDS}`];

function picture(size: string, filter = 'null'): string[] {
  return ['-f', 'lavfi', '-i', `testsrc2=s=${size}:r=25:d=${VIDEO_SECONDS},${filter}`];
}

function film(size: string, file: string, filter = 'null'): string[] {
  const x264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '36', '-g', '25', '-pix_fmt', 'yuv420p'];
  const sound = ['-c:a', 'aac', '-b:a', '48k', '-shortest', '-movflags', '+faststart'];
  return [...picture(size, filter), ...SOUND, ...x264, ...sound, file];
}

function silentFilm(size: string, file: string): string[] {
  const x264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '36', '-pix_fmt', 'yuv420p'];
  return [...picture(size), ...x264, '-an', '-movflags', '+faststart', file];
}

function film265(size: string, file: string, sound: boolean): string[] {
  const x265 = ['-c:v', 'libx265', '-preset', 'ultrafast', '-crf', '34', '-x265-params', 'log-level=error'];
  const audio = sound ? ['-c:a', 'aac', '-b:a', '48k', '-shortest'] : ['-an'];
  return [
    ...picture(size),
    ...(sound ? SOUND : []),
    ...x265,
    '-tag:v',
    'hvc1',
    ...audio,
    '-movflags',
    '+faststart',
    file,
  ];
}

function still(size: string, file: string, ...options: string[]): string[] {
  return ['-f', 'lavfi', '-i', `testsrc2=s=${size}:r=1:d=1`, '-frames:v', '1', ...options, file];
}

/** ffmpeg command lines; the cache folder is named by their hash, so an edit here makes new media. */
const RECIPES: string[][] = [
  film('576x1024', 'h264_540.mp4'),
  film('720x1280', 'h264_720.mp4'),
  film('1080x1920', 'h264_1080.mp4'),
  film('1024x576', 'h264_540_wide.mp4'),
  film('576x1024', 'watermarked.mp4', 'drawbox=x=20:y=40:w=200:h=60:color=white@0.8:t=fill'),
  film265('720x1280', 'h265_720.mp4', true),
  film265('1080x1920', 'h265_1080_silent.mp4', false),
  film265('1080x1920', 'h265_1080.mp4', true),
  silentFilm('1080x1920', 'h264_1080_silent.mp4'),
  [...film('960x1280', '').slice(0, -1), '-t', String(LIVE_SECONDS), 'live.mp4'],
  [...SOUND, '-c:a', 'libmp3lame', '-b:a', '128k', '-metadata', 'title=original sound', 'sound.mp3'],
  [...SOUND, '-c:a', 'aac', '-b:a', '96k', '-movflags', '+faststart', 'sound.m4a'],
  [
    ...['-f', 'lavfi', '-i', `testsrc2=s=1080x1440:r=1:d=${PORTRAITS},hue=h=${360 / PORTRAITS}*n`],
    ...['-q:v', '5', 'portrait_%d.jpg'],
  ],
  still('1440x1080', 'landscape.jpg', '-q:v', '5'),
  // Odd in both directions, which 4:2:0 pictures cannot be.
  still('720x1280', 'odd.jpg', '-vf', 'scale=721:1281,format=yuvj444p', '-q:v', '5'),
  still('64x48', 'tiny.jpg', '-q:v', '5'),
  still('1080x1440', 'portrait.webp', '-c:v', 'libwebp', '-quality', '75'),
  still('576x1024', 'cover.jpg', '-q:v', '8'),
  still('720x720', 'avatar.jpg', '-q:v', '10'),
  still(
    '1080x1440',
    'heic_source.mp4',
    '-c:v',
    'libx265',
    '-x265-params',
    'log-level=error',
    '-tag:v',
    'hvc1',
  ),
];

/** Names of the base files, after the derived ones were added. */
export type MediaFile = string;

/** Real media, made once for each machine and then read from the cache folder. */
export class MediaLibrary {
  #files: ReadonlyMap<MediaFile, Buffer>;

  constructor(files: ReadonlyMap<MediaFile, Buffer>) {
    this.#files = files;
  }

  get(name: MediaFile): Buffer {
    const file = this.#files.get(name);
    if (file === undefined) throw new Error(`No such base file: ${name}`);
    return file;
  }
}

/**
 * Makes what is missing with ffmpeg (FFMPEG_PATH, or the one on PATH) and loads everything, some 6 MB.
 * The folder appears by one rename, so that two test files may start at the same time.
 */
export async function loadMedia(): Promise<MediaLibrary> {
  const key = createHash('sha256').update(JSON.stringify(RECIPES)).digest('hex').slice(0, 16);
  const folder = join(tmpdir(), `standin-media-${key}`);
  if (!existsSync(folder)) await make(folder);
  const files = new Map<MediaFile, Buffer>();
  for (const name of await readdir(folder)) files.set(name, await readFile(join(folder, name)));
  const library = new MediaLibrary(files);
  files.set('rotated.jpg', withOrientation(library.get('landscape.jpg'), 6));
  files.set('cmyk.jpg', cmykJpeg(480, 640));
  files.set('portrait.heic', heicFrom(library.get('heic_source.mp4'), 1080, 1440));
  files.set('bytevc2_1080.mp4', withSampleEntry(library.get('h265_720.mp4'), 'hvc1', 'bvc2'));
  return library;
}

async function make(folder: string): Promise<void> {
  const ffmpeg = process.env.FFMPEG_PATH || 'ffmpeg';
  const draft = await mkdtemp(`${folder}.`);
  try {
    for (const recipe of RECIPES) {
      await run(ffmpeg, ['-hide_banner', '-v', 'error', '-nostdin', '-fflags', '+bitexact', ...recipe], {
        cwd: draft,
      });
    }
    await rename(draft, folder);
  } catch (error) {
    // Somebody else was faster: a rename onto a folder that is not empty fails, and theirs will do.
    if (!existsSync(join(folder, 'avatar.jpg'))) throw error;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** Renames the codec in the sample description: a file that no player knows how to decode. */
function withSampleEntry(file: Buffer, from: string, to: string): Buffer {
  const copy = Buffer.from(file);
  const at = copy.indexOf(from, copy.indexOf('stsd'), 'latin1');
  if (at < 0) throw new Error(`No ${from} sample entry`);
  copy.write(to, at, 'latin1');
  return copy;
}
