/**
 * `npm run bench`: what the service can do and what it costs, beside its baselines in the same run, on this machine and
 * without the internet.
 *
 *   npm run bench                        all parts, some twelve minutes
 *   npm run bench -- --quick             fewer rounds, without relay and slideshow: up to three minutes
 *   npm run bench -- --only cold,memory  these parts: cold, memory, startup, recovery, cache, relay, slideshow
 *
 * Prints tables and writes bench-results/. Needs Linux (/proc) and, for the relay, curl.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cold } from './bench/cold.ts';
import { type Ground, prepareGround } from './bench/ground.ts';
import { machineFacts, ROOT } from './bench/machine.ts';
import { memory } from './bench/memory.ts';
import { recovery } from './bench/recovery.ts';
import { started, stopAll } from './bench/started.ts';
import { startup } from './bench/startup.ts';
import { judge, type Results } from './bench/targets.ts';

const OUT = join(ROOT, 'bench-results');

/** Parts within this process. */
const OWN = { cold, memory, startup, recovery };
/** Programs of their own, each of which writes a file of its name into bench-results/. */
const PROGRAMS = ['cache', 'relay', 'slideshow'] as const;
const QUICK = ['cold', 'memory', 'startup', 'recovery', 'cache'];
const ALL = [...Object.keys(OWN), ...PROGRAMS];

/** How long one program may take; the longest takes some three minutes. */
const PROGRAM_LIMIT_MS = 10 * 60_000;

const { quick, parts } = readArguments();
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    interrupted = true;
    void stopAll().then(() => process.exit(130));
  });
}

const began = performance.now();
const machine = machineFacts();
process.stdout.write(
  `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB; Node ${machine.node}, ${machine.python}, yt-dlp ${machine.ytdlp}, ` +
    `${machine.ffmpeg ?? 'no ffmpeg'}; load average before the start ${machine.load.join(', ')}; ${machine.date}\n`,
);
const results: Record<string, unknown> = {};
const own: Results = {};
let failed = false;
try {
  const ground = parts.some(isOwn) ? await prepareGround(quick) : null;
  for (const part of parts) {
    process.stdout.write(`\n## ${part} (load average ${loadavg()[0]?.toFixed(1)})\n`);
    try {
      results[part] = await runPart(part, ground);
    } catch (error) {
      if (interrupted) break;
      // The others are worth having all the same.
      failed = true;
      results[part] = { failed: String(error) };
      process.stderr.write(`${part}: ${error instanceof Error ? error.stack : error}\n`);
    }
  }
} finally {
  await stopAll();
}
if (!interrupted) await report();

async function runPart(part: string, ground: Ground | null): Promise<unknown> {
  if (!ground || !isOwn(part)) return runProgram(part);
  const result = await OWN[part](ground);
  Object.assign(own, { [part]: result });
  return result;
}

function isOwn(part: string): part is keyof typeof OWN {
  return Object.hasOwn(OWN, part);
}

async function report(): Promise<void> {
  process.stdout.write('\n');
  const verdicts = judge(own);
  const minutes = (performance.now() - began) / 60_000;
  await mkdir(OUT, { recursive: true });
  const file = join(OUT, 'bench.json');
  await writeFile(file, JSON.stringify({ machine, quick, minutes, verdicts, ...results }, null, 2));
  process.stdout.write(
    `\n${minutes.toFixed(1)} minutes; all figures are in ${relative(process.cwd(), file)}\n`,
  );
  if (failed) process.exitCode = 1;
}

async function runProgram(name: string): Promise<unknown> {
  const file = join(OUT, `${name}.json`);
  rmSync(file, { force: true });
  const script = fileURLToPath(new URL(`./bench/${name}.ts`, import.meta.url));
  // A group of its own, which can be ended as a whole: these programs start others.
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), script], {
    cwd: ROOT,
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const gone = once(child, 'exit');
  const stop = started(async () => {
    if (child.pid && child.exitCode === null && child.signalCode === null)
      process.kill(-child.pid, 'SIGTERM');
    await gone;
  });
  const limit = setTimeout(stop, PROGRAM_LIMIT_MS);
  const [code] = await gone;
  clearTimeout(limit);
  await stop();
  if (code !== 0) throw new Error(`${name} ended with ${code}`);
  return JSON.parse(readFileSync(file, 'utf8'));
}

function readArguments(): { quick: boolean; parts: readonly string[] } {
  const { values } = parseArgs({ options: { quick: { type: 'boolean' }, only: { type: 'string' } } });
  const quick = values.quick ?? false;
  const parts = values.only?.split(',') ?? (quick ? QUICK : ALL);
  const unknown = parts.filter((part) => !ALL.includes(part));
  if (unknown.length > 0) throw new Error(`unknown: ${unknown.join(', ')}; there are ${ALL.join(', ')}`);
  return { quick, parts };
}
