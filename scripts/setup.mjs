// @ts-check
/**
 * Everything that `npm start`, `npm test` and the others need, done once. Needs nothing but Node; what is there
 * already is skipped without starting a single program. Called by those scripts themselves: npm runs no `prestart`
 * where .npmrc says ignore-scripts. (Their `exec` lets a signal sent to npm reach the service, not a shell.)
 *
 * A container image has all of it inside, and no package-lock.json: there is nothing to do.
 *
 *   node scripts/setup.mjs [start | test | demo | bench]   all of it, before that command
 *   node scripts/setup.mjs engine                          looks for a yt-dlp and an ffmpeg again, though there are some
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkNode } from './setup/node-check.mjs';
import { SetupError } from './setup/report.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** @param {string} mode */
async function setUp(mode) {
  checkNode(process.versions.node);
  if (!existsSync(join(root, 'package-lock.json'))) return;
  // Imported only now: an old Node would stop at their syntax or API before it could be told its age.
  const { installDependencies } = await import('./setup/dependencies.mjs');
  const { build, isBuilt } = await import('./setup/build.mjs');
  const { installEngine } = await import('./setup/engine.mjs');
  const { installFfmpeg } = await import('./setup/ffmpeg.mjs');
  const leaveOutDev = mode === 'start' && process.env.NODE_ENV === 'production' && isBuilt(root);
  await installDependencies(root, !leaveOutDev);
  await installEngine(root, mode === 'engine');
  await installFfmpeg(root, mode === 'engine');
  await build(root);
}

try {
  await setUp(process.argv[2] ?? 'start');
} catch (error) {
  if (!(error instanceof SetupError) && !isSystemError(error)) throw error;
  process.stderr.write(`set-up: ${error.message}\n`);
  process.exitCode = 1;
}

/**
 * A full disk, a folder that may not be written to: Node's message names both.
 * @param {unknown} error
 * @returns {error is NodeJS.ErrnoException}
 */
function isSystemError(error) {
  return error instanceof Error && 'syscall' in error;
}
