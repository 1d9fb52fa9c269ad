/** The machine and the versions that the figures belong to. */
import { spawnSync } from 'node:child_process';
import { cpus, loadavg, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { locateEngine } from '../../src/engine/index.ts';
import { locateFfmpeg } from '../../src/ffmpeg/locate.ts';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export function machineFacts() {
  const engine = locateEngine(ROOT);
  const ffmpeg = locateFfmpeg(ROOT);
  return {
    date: new Date().toISOString(),
    commit: firstLine('git', ['-C', ROOT, 'describe', '--always', '--dirty']),
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGb: Number((totalmem() / 1e9).toFixed(1)),
    load: loadavg().map((value) => Number(value.toFixed(2))),
    node: process.version,
    python: firstLine(engine.python, ['--version']),
    ytdlp: engine.ytdlp,
    curlCffi: engine.curlCffi,
    ffmpeg: ffmpeg && firstLine(ffmpeg, ['-version']).split(' ').slice(0, 3).join(' '),
  };
}

function firstLine(program: string, args: readonly string[]): string {
  const { stdout } = spawnSync(program, args, { encoding: 'utf8' });
  return stdout?.split('\n', 1)[0] ?? 'unknown';
}
