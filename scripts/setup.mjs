// @ts-check
/**
 * Everything that `npm start`, `npm test` and the others need, done once; steps that are done are skipped without starting a
 * program. Needs nothing but Node. The npm scripts call it themselves, because npm ignores `prestart` where .npmrc says
 * ignore-scripts; their `exec` lets signals to npm reach the service. A container image has no package-lock.json, and
 * nothing to set up.
 *
 *   node scripts/setup.mjs [start | test | demo | bench]   all of it, before that command
 *   node scripts/setup.mjs engine                          chooses a yt-dlp and an ffmpeg again
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkNode } from './setup/node-check.mjs';
import { SetupError } from './setup/report.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** @param {string} mode */
async function setUp(mode) {
  checkNode(process.versions.node, process);
  if (!existsSync(join(root, 'package-lock.json'))) return;
  // Imported after the check, because an old Node cannot parse them.
  const { installDependencies } = await import('./setup/dependencies.mjs');
  const { build, isBuilt } = await import('./setup/build.mjs');
  const { installEngine } = await import('./setup/engine.mjs');
  const { installFfmpeg } = await import('./setup/ffmpeg.mjs');
  const omitDev = mode === 'start' && process.env.NODE_ENV === 'production' && isBuilt(root);
  await installDependencies(root, !omitDev);
  await installEngine(root, mode === 'engine');
  await installFfmpeg(root, mode === 'engine');
  await build(root);
}

try {
  await setUp(process.argv[2] ?? 'start');
} catch (error) {
  // Node's message of a system error names the file and the cause.
  const isExpected = error instanceof SetupError || (error instanceof Error && 'syscall' in error);
  if (!isExpected) throw error;
  process.stderr.write(`set-up: ${error.message}\n`);
  process.exitCode = 1;
}
