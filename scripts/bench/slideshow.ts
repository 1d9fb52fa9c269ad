/**
 * The slideshow's speed, side by side with the predecessors' command and the other designs tried:
 *
 *   tsx scripts/bench/slideshow.ts [numbers of photos, default 6,35] [ffmpeg, default the one on PATH]
 *
 * All designs run with 6 or fewer photos, the first and ours with more. Ours runs compiled where dist/ is there
 * (`npm run build`), else from source, where starting tsx in the render process adds about 0.3 s.
 * Prints a table and writes bench-results/slideshow.json.
 */
import { execFile, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { SlideshowRenderer } from '../../src/slideshow/index.ts';
import { photo } from './photos.ts';
import { DESIGNS, out } from './slideshow-designs.ts';

interface Result {
  design: string;
  photos: number;
  seconds: number;
  /** Processor time of all processes: what another load on the machine does not change. */
  cpuSeconds: number;
  timesFaster: number;
  ssimMin: number;
  bytes: number;
  peakRssMb: number;
}

type Measured = Pick<Result, 'seconds' | 'cpuSeconds' | 'peakRssMb'>;

const run = promisify(execFile);
const counts = (process.argv[2] ?? '6,35').split(',').map(Number);
const ffmpeg = process.argv[3] ?? (await run('sh', ['-c', 'command -v ffmpeg'])).stdout.trim();
const dist = new URL('../../dist/slideshow/index.js', import.meta.url);
const compiled = existsSync(dist);
const ours: { SlideshowRenderer: typeof SlideshowRenderer } = compiled
  ? await import(dist.href)
  : await import('../../src/slideshow/index.ts');

const folder = await mkdtemp(join(tmpdir(), 'bench-slideshow-'));
const results: Result[] = [];
try {
  const photos: string[] = [];
  for (let i = 0; i < Math.max(...counts); i++) {
    const path = join(folder, `${i}.jpg`);
    await writeFile(path, await photo(i));
    photos.push(path);
  }
  const music = join(folder, 'music.mp3');
  const band = 'sine=f=220:d=17,tremolo=f=3[a];anoisesrc=d=17:a=0.1[b];[a][b]amix';
  await run(ffmpeg, ['-v', 'error', '-filter_complex', band, '-b:a', '128k', music]);
  for (const count of counts) await compare(photos.slice(0, count), music);
} finally {
  await rm(folder, { recursive: true });
}
await mkdir('bench-results', { recursive: true });
await writeFile(
  'bench-results/slideshow.json',
  JSON.stringify({ ffmpeg: await version(), compiled, results }, null, 2),
);

async function compare(photos: string[], music: string) {
  const rows: Result[] = [];
  const note = async (design: string, { seconds, cpuSeconds, peakRssMb }: Measured) => {
    const bytes = (await stat(out(folder))).size;
    const timesFaster = (rows[0]?.seconds ?? seconds) / seconds;
    rows.push({
      design,
      photos: photos.length,
      seconds,
      cpuSeconds,
      timesFaster,
      ssimMin: await ssimMin(photos),
      bytes,
      peakRssMb,
    });
    console.log(row(rows.at(-1) as Result));
  };
  console.log(`\n${photos.length} photos, ${availableParallelism()} processors, ${await version()}\n`);
  console.log(
    '| design | seconds | times faster | CPU seconds | SSIM min | MB | peak RSS MB |\n|---|---|---|---|---|---|---|',
  );
  for (const design of photos.length <= 6 ? DESIGNS : DESIGNS.slice(0, 1)) {
    const cost = await measured(async () => {
      for (const commands of design.commands(photos, music, folder)) await sideBySide(commands);
    });
    await note(design.name, cost);
  }
  const renderer = new ours.SlideshowRenderer({ ffmpegPath: ffmpeg, log: { error: console.error } });
  const { signal } = new AbortController();
  const order = {
    photos,
    sound: music,
    slideSeconds: 4,
    canvas: { width: 1080, height: 1920 },
    output: out(folder),
  };
  const cost = await measured(() => renderer.render(order, { onSlide: () => undefined, signal }));
  await note(
    `ours: one key frame a slide, repeats spliced in, 25 fps${compiled ? '' : ' (from source)'}`,
    cost,
  );
  results.push(...rows);
}

async function sideBySide(commands: string[][]) {
  const left = [...commands];
  const worker = async () => {
    for (let command = left.shift(); command; command = left.shift()) {
      const child = spawn(ffmpeg, ['-y', '-v', 'error', ...command], {
        stdio: ['ignore', 'inherit', 'inherit'],
      });
      const code = await new Promise((resolve) => child.once('exit', resolve));
      if (code !== 0) throw new Error(`ffmpeg exited with ${code}`);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
}

/** Wall-clock time, and the most memory that this process's children held together (shared pages counted for each). */
async function measured(work: () => Promise<void>): Promise<Measured> {
  let peak = 0;
  const sampler = setInterval(() => {
    peak = Math.max(peak, childrenRss());
  }, 20);
  const cpuBefore = childrenCpu();
  const start = performance.now();
  try {
    await work();
  } finally {
    clearInterval(sampler);
  }
  const seconds = (performance.now() - start) / 1000;
  return { seconds, cpuSeconds: childrenCpu() - cpuBefore, peakRssMb: peak / 1024 };
}

/** Seconds of processor time of all children that have ended, and of theirs. */
function childrenCpu(): number {
  // After the name in brackets: state is field 3, cutime and cstime are 16 and 17, in hundredths.
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

/** KB. */
function childrenRss(): number {
  const parents = new Map<number, number>();
  const rss = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const status = readFileSync(`/proc/${name}/status`, 'utf8');
      parents.set(Number(name), Number(/^PPid:\s*(\d+)/m.exec(status)?.[1]));
      rss.set(Number(name), Number(/^VmRSS:\s*(\d+)/m.exec(status)?.[1] ?? 0));
    } catch {
      // It ended while we looked.
    }
  }
  const isOurs = (pid: number): boolean => {
    const parent = parents.get(pid);
    return parent !== undefined && (parent === process.pid || (parent > 1 && isOurs(parent)));
  };
  return [...rss].reduce((sum, [pid, kb]) => sum + (isOurs(pid) ? kb : 0), 0);
}

/** The worst slide: its middle frame against its photo, scaled and padded by ffmpeg in the movie's own colours. */
async function ssimMin(photos: string[]): Promise<number> {
  let min = 1;
  for (const [slide, path] of photos.entries()) {
    const tagged = (await streamLine()).includes('bt709');
    const fit = 'scale=1080:1920:force_original_aspect_ratio=decrease';
    const pad = 'pad=1080:1920:trunc((ow-iw)/4)*2:trunc((oh-ih)/4)*2:black,setsar=1';
    const colours = `format=yuvj420p,scale=out_range=tv${tagged ? ':out_color_matrix=bt709' : ''},format=yuv420p`;
    const compared = `[0:v]trim=end_frame=1[seen];[1:v]${fit},${pad},${colours}[photo];[seen][photo]ssim`;
    const seek = ['-ss', String(slide * 4 + 2), '-i', out(folder)];
    const { stderr } = await run(ffmpeg, [
      '-hide_banner',
      ...seek,
      '-i',
      path,
      '-filter_complex',
      compared,
      '-f',
      'null',
      '-',
    ]);
    min = Math.min(min, Number(/SSIM.*All:([\d.]+)/.exec(stderr)?.[1]));
  }
  return min;
}

async function streamLine(): Promise<string> {
  const { stderr } = await run(ffmpeg, ['-hide_banner', '-i', out(folder), '-t', '0', '-f', 'null', '-']);
  return stderr.split('\n').find((line) => line.includes('Video: h264')) ?? '';
}

async function version(): Promise<string> {
  return (await run(ffmpeg, ['-version'])).stdout.split(' ', 3).join(' ');
}

function row({ design, seconds, cpuSeconds, timesFaster, ssimMin, bytes, peakRssMb }: Result): string {
  const numbers = [
    seconds.toFixed(2),
    timesFaster.toFixed(1),
    cpuSeconds.toFixed(1),
    ssimMin.toFixed(4),
    (bytes / 1e6).toFixed(2),
  ];
  return `| ${[design, ...numbers, peakRssMb.toFixed(0)].join(' | ')} |`;
}
