import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { locateEngine } from '../../src/engine/index.ts';

/** The yt-dlp that the service under test runs: PyPI's by rule, an older one where PyPI cannot be reached. */
export const engine = locateEngine(fileURLToPath(new URL('../..', import.meta.url)));

/** yt-dlp solves TikTok's challenge since early 2026; Debian's is older. */
export const solvesChallenge = engine.ytdlp >= '2026.03';

if (!solvesChallenge) console.warn(`skipped: yt-dlp ${engine.ytdlp} cannot solve the challenge`);

/** Whether it lies in a folder of the project's. Tests that poison a copy of it must not reach the machine's own. */
export const ownEngine = engine.sysPath.every((path) => path.startsWith(engine.dir));

if (!ownEngine)
  console.warn(`skipped: yt-dlp ${engine.ytdlp} is the machine's own, no copy of it is poisoned`);

/** What /health says of a service with nothing else wrong. */
export const healthy = engine.impersonation ? 'ok' : 'degraded';

const HOST = fileURLToPath(new URL('../../src/extraction/host', import.meta.url));

/** What a script that ends with `say(…)` says, among the modules of the host. */
export function hostPython(script: string, ...args: string[]): unknown {
  const paths = JSON.stringify([HOST, ...engine.sysPath]);
  const preamble = `import json, sys\nsys.path[:0] = ${paths}\nsay = lambda it: print(json.dumps(it))\n`;
  const output = execFileSync(engine.python, ['-c', preamble + script, ...args], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, PYTHONDONTWRITEBYTECODE: '1' },
  });
  return JSON.parse(output);
}
