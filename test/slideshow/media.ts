/** Small photos and tracks with known content, and ways to inspect the slideshows made of them. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import sharp, { type Sharp } from 'sharp';

const run = promisify(execFile);

export type Colour = readonly [number, number, number];

/** Clockwise from the top left; mild, because print (CMYK) has no others. */
export const CORNERS: readonly Colour[] = [
  [190, 80, 80],
  [90, 160, 100],
  [90, 110, 170],
  [200, 190, 110],
];

/** Four quarters of four colours: shows rotation, mirroring, cropping and wrong colours. */
export function quarters(width: number, height: number): Sharp {
  const data = Buffer.alloc(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const right = x >= width / 2;
      const corner = y < height / 2 ? (right ? 1 : 0) : right ? 2 : 3;
      data.set(CORNERS[corner] as Colour, (y * width + x) * 3);
    }
  }
  return sharp(data, { raw: { width, height, channels: 3 } });
}

/** The quarters, 96×64, as HEVC in HEIF; made with libheif, since nothing in this project writes it. */
export function heicQuarters(): Buffer {
  return readFileSync(new URL('./quarters.heic', import.meta.url));
}

/** Path of a program, or null. */
export async function locate(program: string): Promise<string | null> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, program);
    if (
      await access(path).then(
        () => true,
        () => false,
      )
    )
      return path;
  }
  return null;
}

export async function ffmpeg(...args: string[]): Promise<{ stdout: Buffer; stderr: string }> {
  const { stdout, stderr } = await run('ffmpeg', ['-hide_banner', '-y', ...args], {
    encoding: 'buffer',
    maxBuffer: 512 * 1024 * 1024,
  });
  return { stdout, stderr: stderr.toString() };
}

/** A sine tone of `seconds`. */
export async function tone(path: string, seconds: number): Promise<string> {
  await ffmpeg('-filter_complex', `sine=f=440:d=${seconds}:r=44100[a]`, '-map', '[a]', path);
  return path;
}

/** One frame as RGB, by its number; found by seeking, as a player does. */
export async function frameAt(mp4: string, frame: number): Promise<Buffer> {
  const start = String(Math.max(0, frame - 0.5) / 25);
  const filter = 'scale=in_color_matrix=bt709:in_range=tv:flags=accurate_rnd+full_chroma_int';
  const { stdout } = await ffmpeg(
    ...[
      '-ss',
      start,
      '-i',
      mp4,
      '-vf',
      filter,
      '-frames:v',
      '1',
      '-f',
      'rawvideo',
      '-pix_fmt',
      'rgb24',
      'pipe:1',
    ],
  );
  return stdout;
}

/** A checksum of each decoded frame. */
export async function frameSums(mp4: string): Promise<string[]> {
  const { stdout } = await ffmpeg('-i', mp4, '-map', '0:v', '-f', 'framecrc', 'pipe:1');
  const lines = stdout.toString().split('\n');
  return lines.filter((line) => line && !line.startsWith('#')).map((line) => line.split(',').at(-1) ?? '');
}

/** Mean level of the sound between two times, in dB. */
export async function loudness(mp4: string, from: number, to: number): Promise<number> {
  const { stderr } = await ffmpeg(
    ...['-i', mp4, '-map', '0:a', '-af', `atrim=${from}:${to},volumedetect`, '-f', 'null', '-'],
  );
  return Number(/mean_volume: (-?[\d.]+|-inf) dB/.exec(stderr)?.[1]?.replace('-inf', '-Infinity'));
}

/** SSIM of a mp4's picture at a time (seconds) with a photo as ffmpeg itself scales and pads it. */
export async function ssim(mp4: string, seconds: number, photo: string): Promise<number> {
  const fit = 'scale=1080:1920:force_original_aspect_ratio=decrease';
  const pad = 'pad=1080:1920:trunc((ow-iw)/4)*2:trunc((oh-ih)/4)*2:black,setsar=1';
  const colours = 'format=yuvj420p,scale=out_range=tv:out_color_matrix=bt709,format=yuv420p';
  const compared = `[0:v]trim=end_frame=1[seen];[1:v]${fit},${pad},${colours}[photo];[seen][photo]ssim`;
  const { stderr } = await ffmpeg(
    ...['-ss', String(seconds), '-i', mp4, '-i', photo, '-filter_complex', compared, '-f', 'null', '-'],
  );
  return Number(/SSIM.*All:([\d.]+)/.exec(stderr)?.[1]);
}

/** Mean colour of a patch around a point of a canvas-sized RGB frame. */
export function colourAt(frame: Buffer, x: number, y: number, width = 1080): Colour {
  const sum = [0, 0, 0];
  for (let dy = -4; dy < 4; dy++) {
    for (let dx = -4; dx < 4; dx++) {
      for (let c = 0; c < 3; c++) sum[c] = (sum[c] ?? 0) + (frame[((y + dy) * width + x + dx) * 3 + c] ?? 0);
    }
  }
  return [(sum[0] ?? 0) / 64, (sum[1] ?? 0) / 64, (sum[2] ?? 0) / 64];
}

export function distance(a: Colour, b: Colour): number {
  return Math.max(...a.map((value, c) => Math.abs(value - (b[c] ?? 0))));
}

export interface Probe {
  streams: Record<string, string | number>[];
  format: Record<string, string>;
  packets: { pts: number; dts: number; duration: number; flags: string; codec_type: string }[];
}

export async function ffprobe(mp4: string): Promise<Probe> {
  const { stdout } = await run(
    'ffprobe',
    [
      '-v',
      'error',
      '-show_streams',
      '-show_format',
      '-show_packets',
      '-select_streams',
      'v',
      '-of',
      'json',
      mp4,
    ],
    { maxBuffer: 64 * 1024 * 1024 },
  );
  const video = JSON.parse(stdout) as Probe;
  const sound = await run('ffprobe', [
    '-v',
    'error',
    '-show_streams',
    '-select_streams',
    'a',
    '-of',
    'json',
    mp4,
  ]);
  video.streams.push(...(JSON.parse(sound.stdout) as Probe).streams);
  return video;
}
