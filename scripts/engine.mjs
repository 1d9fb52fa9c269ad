// @ts-check
/**
 *   node scripts/engine.mjs update [--nightly] [--again]   a newer yt-dlp, if there is one and it proves itself
 *   node scripts/engine.mjs rollback                       the one before it
 *
 * `--again` tries also a version that was rejected. A running service follows within seconds, without a restart.
 * Exit code 0: done, or nothing to do; 1: not done, and nothing has changed.
 */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { config as loadDotenv } from 'dotenv';
import { rollback } from './engine/rollback.mjs';
import { update } from './engine/update.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [command, ...flags] = process.argv.slice(2);

/** @type {Record<string, () => Promise<string>>} */
const COMMANDS = {
  update: () => update(root, { nightly: flags.includes('--nightly'), again: flags.includes('--again') }),
  rollback: () => rollback(root),
};

const run = COMMANDS[command ?? ''];
const unknown = flags.find((flag) => !['--nightly', '--again'].includes(flag));
if (!run || unknown) {
  process.stderr.write('engine: say `update [--nightly] [--again]` or `rollback`\n');
  process.exit(2);
}
loadDotenv({ quiet: true, path: process.env.DOTENV_CONFIG_PATH ?? join(root, '.env') });
try {
  process.stdout.write(`engine: ${await run()}\n`);
} catch (error) {
  if (!(error instanceof Error)) throw error;
  process.stderr.write(`engine: ${error.message}\n`);
  process.exitCode = 1;
}
