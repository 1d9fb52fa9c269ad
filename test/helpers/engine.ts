import { fileURLToPath } from 'node:url';
import { locateEngine } from '../../src/extraction/index.ts';

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
