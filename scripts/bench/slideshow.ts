/**
 * Slideshows: the renderer beside the plain ffmpeg command that it replaces, and POST /tiktok while ten are rendered.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { locateFfmpeg } from '../../src/ffmpeg.ts';
import type { SlideshowRenderer } from '../../src/slideshow/index.ts';
import { onEnd } from './children.ts';
import type { BenchEnv } from './env.ts';
import { ROOT } from './machine.ts';
import { photo } from './photos.ts';
import { cpuOf } from './procfs.ts';
import { atLeast, atMost, type Part, printTable, round } from './report.ts';
import { post, startService } from './service.ts';

const SLIDE_SECONDS = 4;
const RENDERS = 10;
const IDLE_SAMPLES = 100;

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
  const beside = await postsBesideRenders(env);
  const fastest = Math.min(...rows.map(({ ours, plain }) => plain.seconds / ours.seconds));
  return {
    figures: { rows, beside },
    targets: [
      atLeast('10 times as fast as the command', fastest, 10),
      atMost('POST while ten are rendered, p95: 5 times idle', beside.busyP95 / beside.idleP95, 5),
    ],
  };
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
  onEnd(() => rm(folder, { recursive: true }));
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
    const renderer = new built.SlideshowRenderer({ ffmpegPath, log: { error: console.error } });
    const order = { photos, sound, slideSeconds: SLIDE_SECONDS, output };
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

/** p95 of cold posts, one after the other, idle and while slideshows are rendered; milliseconds. */
async function postsBesideRenders(env: BenchEnv): Promise<{ idleP95: number; busyP95: number }> {
  const service = await startService(env);
  const sample = async (wanted: (taken: number) => boolean) => {
    const times: number[] = [];
    while (wanted(times.length)) {
      const began = performance.now();
      await post(service, (await env.addPost({ photos: 1 })).url);
      times.push(performance.now() - began);
    }
    const sorted = times.sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length * 0.95)] ?? Number.NaN;
  };
  await sample((taken) => taken < 20);
  const idleP95 = await sample((taken) => taken < IDLE_SAMPLES);
  const links: string[] = [];
  for (let n = 0; n < RENDERS; n += 1) {
    const { url } = await env.addPost({ photos: 6 });
    links.push((await post(service, url)).download_slideshow_link ?? '');
  }
  let rendering = true;
  const renders = Promise.all(links.map(fetchWhole)).finally(() => {
    rendering = false;
  });
  const busyP95 = await sample(() => rendering);
  await renders;
  await service.stop();
  process.stdout.write(
    `\nPOST /tiktok, p95: ${round(idleP95)} ms idle, ${round(busyP95)} ms while ${RENDERS} slideshows are rendered\n`,
  );
  return { idleP95, busyP95 };
}

async function fetchWhole(link: string): Promise<void> {
  const response = await fetch(link);
  await response.arrayBuffer();
  if (response.status !== 200) throw new Error(`a slideshow answered ${response.status}`);
}
