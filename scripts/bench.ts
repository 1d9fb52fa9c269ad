/**
 * `npm run bench`: speed, CPU and memory of the service against the tests' stand-in for TikTok, without the internet.
 *
 *   npm run bench                        all parts
 *   npm run bench -- --quick             fewer rounds
 *   npm run bench -- --only cold,relay   these parts: cold, cached, memory, startup, recovery, relay, delivery,
 *                                        slideshow
 *   npm run bench -- --build DIR         measures the build of another checkout, to compare two
 *   npm run bench -- --peer cobalt=DIR   beside another program, from its checkout, and nothing else
 *
 * Prints tables and writes bench-results/bench.json. Needs Linux (/proc), and curl for files, nginx for `delivery`.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { cached } from './bench/cached.ts';
import { cold } from './bench/cold.ts';
import { delivery } from './bench/delivery.ts';
import { type BenchEnv, prepareEnv } from './bench/env.ts';
import { machineFacts, ROOT } from './bench/machine.ts';
import { memory } from './bench/memory.ts';
import { peers } from './bench/peers.ts';
import { recovery } from './bench/recovery.ts';
import { relay } from './bench/relay.ts';
import { type Part, printTargets, type Target } from './bench/report.ts';
import { slideshow } from './bench/slideshow.ts';
import { startup } from './bench/startup.ts';

const OUT = join(ROOT, 'bench-results');
const PARTS: Readonly<Record<string, (env: BenchEnv) => Promise<Part>>> = {
  cold,
  cached,
  memory,
  startup,
  recovery,
  relay,
  delivery,
  slideshow,
};

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: Object.keys(PARTS).join() },
    build: { type: 'string', default: ROOT },
    peer: { type: 'string', multiple: true, default: [] },
  },
});
const parts = Object.entries(
  flags.peer.length > 0 ? { peers: peers(flags.peer) } : chosen(flags.only.split(',')),
);

const machine = machineFacts();
process.stdout.write(
  `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB; Node ${machine.node}, ${machine.python}, ` +
    `yt-dlp ${machine.ytdlp}, ${machine.ffmpeg ?? 'no ffmpeg'}; load ${machine.load.join(', ')}; ${machine.date}\n`,
);
const env = await prepareEnv(flags.quick, join(resolve(flags.build), 'scripts/serve.sh'));
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    interrupted = true;
    void env.end().then(() => process.exit(130));
  });
}
const figures: Record<string, object> = {};
const targets: Target[] = [];
try {
  for (const [part, measure] of parts) {
    process.stdout.write(`\n## ${part} (load average ${loadavg()[0]?.toFixed(1)})\n`);
    try {
      const result = await measure(env);
      figures[part] = result.figures;
      targets.push(...result.targets);
    } catch (error) {
      if (interrupted) break;
      // The other parts still run.
      process.exitCode = 1;
      figures[part] = { failed: String(error) };
      process.stderr.write(`${part}: ${error instanceof Error ? error.stack : error}\n`);
    }
  }
} finally {
  await env.end();
}
if (!interrupted) {
  if (targets.length > 0) printTargets(targets);
  await mkdir(OUT, { recursive: true });
  const json = JSON.stringify(
    { machine, build: flags.build, quick: flags.quick, targets, ...figures },
    null,
    2,
  );
  await writeFile(join(OUT, 'bench.json'), json);
}

function chosen(names: readonly string[]) {
  const unknown = names.filter((name) => !Object.hasOwn(PARTS, name));
  if (unknown.length > 0) throw new Error(`unknown: ${unknown}; there are ${Object.keys(PARTS).join(', ')}`);
  return Object.fromEntries(Object.entries(PARTS).filter(([name]) => names.includes(name)));
}
