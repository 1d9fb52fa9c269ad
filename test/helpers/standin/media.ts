import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { heicFrom } from './heic.ts';
import { cmykJpeg, withOrientation } from './jpeg.ts';
import { drawScene, SCENES, type SceneName } from './scenery.ts';

const run = promisify(execFile);

/** Seconds of every base video and sound. */
export const VIDEO_SECONDS = 4;
export const SOUND_SECONDS = 6;
/** Seconds of the clip of a live photo. */
export const LIVE_SECONDS = 3;
const SOUND = ['-f', 'lavfi', '-i', `sine=frequency=440:sample_rate=44100:duration=${SOUND_SECONDS}`];

/** Pixels of the drawn scenes; ffmpeg makes them bigger, with grain over it. */
const DRAWN: Record<SceneName, [number, number]> = {
  ...(Object.fromEntries(Object.keys(SCENES).map((name) => [name, [450, 600]])) as Record<
    SceneName,
    [number, number]
  >),
  valley: [600, 450],
  figure: [400, 400],
};

function sceneFile(scene: SceneName): string {
  return `scene_${scene}.ppm`;
}

/** Fills the size, as a phone's screen does. */
function fill(size: string, more = ''): string {
  const [width, height] = size.split('x');
  return `scale=${width}:${height}:force_original_aspect_ratio=increase:flags=bicubic,crop=${width}:${height}${more}`;
}

/** A slow pan over a scene, which is scaled once and then repeated. */
function picture(size: string, scene: SceneName, filter = 'null', seconds = VIDEO_SECONDS): string[] {
  const [width = 0, height = 0] = size.split('x').map(Number);
  const even = (side: number) => Math.round(side * 0.56) * 2;
  const repeat = `format=yuv420p,loop=loop=${seconds * 25 - 1}:size=1`;
  const pan = `crop=${width}:${height}:x='(iw-ow)*t/${seconds}':y='(ih-oh)*(0.5+0.4*sin(t))'`;
  const chain = `${fill(`${even(width)}x${even(height)}`)},${repeat},${pan},noise=alls=10:allf=t,${filter}`;
  return ['-framerate', '25', '-i', sceneFile(scene), '-vf', chain];
}

/** The sound comes first: options behind an input are the output's. */
function withSound(video: string[]): string[] {
  return [...SOUND, ...video, '-c:a', 'aac', '-b:a', '48k', '-map', '1:v', '-map', '0:a', '-shortest'];
}

interface FilmOptions {
  scene?: SceneName;
  filter?: string;
  seconds?: number;
}

function film(
  size: string,
  file: string,
  { scene = 'portrait_1', filter, seconds }: FilmOptions = {},
): string[] {
  const x264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '29', '-g', '25', '-pix_fmt', 'yuv420p'];
  return [...withSound(picture(size, scene, filter, seconds)), ...x264, '-movflags', '+faststart', file];
}

function film265(size: string, file: string): string[] {
  const x265 = ['-c:v', 'libx265', '-preset', 'ultrafast', '-crf', '25', '-x265-params', 'log-level=error'];
  const format = ['-pix_fmt', 'yuv420p', '-tag:v', 'hvc1', '-movflags', '+faststart'];
  return [...withSound(picture(size, 'portrait_1')), ...x265, ...format, file];
}

function silent(from: string, file: string): string[] {
  return ['-i', from, '-an', '-c', 'copy', '-movflags', '+faststart', file];
}

function still(size: string, file: string, scene: SceneName, more: string[], filter = ''): string[] {
  const grain = `,noise=alls=13:allf=u${filter}`;
  return ['-i', sceneFile(scene), '-vf', fill(size, grain), '-frames:v', '1', ...more, file];
}

const JPEG = ['-pix_fmt', 'yuvj420p', '-q:v', '4'];

/** ffmpeg command lines; the cache folder is named by their hash, so an edit here makes new media. */
const RECIPES: string[][] = [
  film('576x1024', 'h264_540.mp4'),
  film('720x1280', 'h264_720.mp4'),
  film('1080x1920', 'h264_1080.mp4'),
  film('1024x576', 'h264_540_wide.mp4', { scene: 'valley' }),
  film('576x1024', 'watermarked.mp4', { filter: 'drawbox=x=20:y=40:w=200:h=60:color=white@0.8:t=fill' }),
  film265('720x1280', 'h265_720.mp4'),
  film265('1080x1920', 'h265_1080.mp4'),
  silent('h265_1080.mp4', 'h265_1080_silent.mp4'),
  silent('h264_1080.mp4', 'h264_1080_silent.mp4'),
  film('960x1280', 'live.mp4', { seconds: LIVE_SECONDS }),
  [...SOUND, '-c:a', 'libmp3lame', '-b:a', '128k', '-metadata', 'title=original sound', 'sound.mp3'],
  [...SOUND, '-c:a', 'aac', '-b:a', '96k', '-movflags', '+faststart', 'sound.m4a'],
  ...([1, 2, 3, 4, 5, 6, 7, 8] as const).map((n) => {
    return still('1080x1440', `portrait_${n}.jpg`, `portrait_${n}`, JPEG);
  }),
  still('1440x1080', 'landscape.jpg', 'valley', JPEG),
  // Odd in both directions, which 4:2:0 pictures cannot be.
  still('721x1281', 'odd.jpg', 'portrait_6', ['-q:v', '4'], ',format=yuvj444p'),
  still('64x48', 'tiny.jpg', 'valley', JPEG),
  still('1080x1440', 'portrait.webp', 'portrait_8', ['-c:v', 'libwebp', '-quality', '80']),
  still('576x1024', 'cover.jpg', 'portrait_1', [...JPEG.slice(0, 3), '5']),
  still('720x720', 'avatar.jpg', 'figure', [...JPEG.slice(0, 3), '5']),
  still('1080x1440', 'heic_source.mp4', 'portrait_4', [
    ...['-c:v', 'libx265', '-pix_fmt', 'yuv420p', '-x265-params', 'log-level=error', '-tag:v', 'hvc1'],
  ]),
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
  const scenery = await readFile(new URL('./scenery.ts', import.meta.url), 'utf8');
  const recipe = JSON.stringify([RECIPES, DRAWN, scenery]);
  const key = createHash('sha256').update(recipe).digest('hex').slice(0, 16);
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
    const scenes = Object.entries(DRAWN) as [SceneName, [number, number]][];
    for (const [name, [width, height]] of scenes) {
      await writeFile(join(draft, sceneFile(name)), drawScene(name, width, height));
    }
    for (const recipe of RECIPES) {
      await run(ffmpeg, ['-hide_banner', '-v', 'error', '-nostdin', '-fflags', '+bitexact', ...recipe], {
        cwd: draft,
      });
    }
    for (const [name] of scenes) await rm(join(draft, sceneFile(name)));
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
