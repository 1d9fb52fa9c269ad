/** Slideshows: the renderer beside the plain ffmpeg command that it replaces. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { locateFfmpeg } from '../../src/ffmpeg/index.ts';
import type { SlideshowRenderer } from '../../src/slideshow/index.ts';
import type { BenchEnv } from './env.ts';
import { ROOT } from './machine.ts';
import { photo } from './photos.ts';
import { cpuOf } from './procfs.ts';
import { atLeast, type Part, printTable, round } from './report.ts';

const SLIDE_SECONDS = 4;

const run = promisify(execFile);

export async function slideshow(env: BenchEnv): Promise<Part> {
  const rows = await compareRenderers(env);
  printTable(
    'Slideshows beside the plain ffmpeg command',
    ['photos', 'seconds', 'CPU seconds', 'MB', 'command: seconds', 'CPU seconds', 'MB', 'times as fast'],
    rows.map(({ photos, ours, plain }) => [
      String(photos),
      ...[ours.seconds, ours.cpuSeconds, ours.bytes / 1e6].map(round),
      ...[plain.seconds, plain.cpuSeconds, plain.bytes / 1e6, plain.seconds / ours.seconds].map(round),
    ]),
  );
  const ratio = Math.min(...rows.map(({ ours, plain }) => plain.seconds / ours.seconds));
  return { figures: { rows }, targets: [atLeast('10 times as fast as the command', ratio, 10)] };
}

interface Cost {
  seconds: number;
  /** Of all processes. */
  cpuSeconds: number;
  bytes: number;
}

async function compareRenderers(env: BenchEnv): Promise<{ photos: number; ours: Cost; plain: Cost }[]> {
  const ffmpegPath = locateFfmpeg(ROOT);
  if (ffmpegPath === null) throw new Error('no ffmpeg');
  const dist = pathToFileURL(join(dirname(env.serve), '../dist/slideshow/index.js'));
  const built = (await import(dist.href)) as { SlideshowRenderer: typeof SlideshowRenderer };
  const folder = await mkdtemp(join(tmpdir(), 'bench-slideshow-'));
  env.onEnd(() => rm(folder, { recursive: true }));
  const output = join(folder, 'slideshow.mp4');
  const sound = join(folder, 'sound.mp3');
  const noise = 'sine=f=220:d=17,tremolo=f=3[a];anoisesrc=d=17:a=0.1[b];[a][b]amix';
  await run(ffmpegPath, ['-v', 'error', '-filter_complex', noise, '-b:a', '128k', sound]);
  const cost = async (work: () => Promise<unknown>): Promise<Cost> => {
    const cpu = cpuOf('/proc/self/stat').reaped;
    const began = performance.now();
    await work();
    const seconds = (performance.now() - began) / 1000;
    const cpuSeconds = (cpuOf('/proc/self/stat').reaped - cpu) / 1000;
    return { seconds, cpuSeconds, bytes: (await stat(output)).size };
  };
  const rows = [];
  for (const count of env.quick ? [6] : [6, 35]) {
    const photos = Array.from({ length: count }, (_, n) => join(folder, `${n}.jpg`));
    for (const [n, path] of photos.entries()) await writeFile(path, await photo(n));
    const plain = await cost(() => run(ffmpegPath, plainCommand(photos, sound, output)));
    const renderer = new built.SlideshowRenderer({ ffmpegPath, log: { warn: console.error } });
    const order = {
      photos,
      sound,
      slideSeconds: SLIDE_SECONDS,
      output,
      canvas: { width: 1080, height: 1920 },
    };
    const { signal } = new AbortController();
    const ours = await cost(() => renderer.render(order, { onSlide: () => undefined, signal }));
    rows.push({ photos: count, ours, plain });
  }
  return rows;
}

/** Decodes, scales and encodes every photo for every frame. */
function plainCommand(photos: readonly string[], sound: string, output: string): string[] {
  const fit =
    'scale=1080:1920:force_original_aspect_ratio=decrease,pad=1080:1920:(ow-iw)/2:(oh-ih)/2,setsar=1';
  const names = photos.map((_, n) => `[v${n}]`).join('');
  const graph = [
    ...photos.map((_, n) => `[${n}:v]${fit}[v${n}]`),
    `${names}concat=n=${photos.length}:v=1:a=0[v]`,
  ].join(';');
  return [
    ...['-y', '-v', 'error'],
    ...photos.flatMap((path) => ['-loop', '1', '-t', String(SLIDE_SECONDS), '-i', path]),
    ...['-stream_loop', '-1', '-i', sound, '-filter_complex', graph, '-map', '[v]'],
    ...['-map', `${photos.length}:a:0`, '-t', String(photos.length * SLIDE_SECONDS)],
    ...['-c:v', 'libx264', '-preset', 'medium', '-crf', '23', '-pix_fmt', 'yuv420p', '-r', '25'],
    ...['-c:a', 'aac', '-b:a', '128k', '-movflags', '+faststart', output],
  ];
}
