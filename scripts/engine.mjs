// @ts-check
/**
 *   node scripts/engine.mjs update [--nightly] [--again]   activates a newer yt-dlp, if there is one and it passes its tests
 *   node scripts/engine.mjs rollback                       activates the one before it
 *
 * `--again` also tries a version that was rejected. A running service switches within seconds, without a restart.
 * Exit code 0: done, or nothing to do; 1: failed, and nothing has changed; 2: wrong arguments.
 */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { config as loadDotenv } from 'dotenv';
import { rollback } from './engine/rollback.mjs';
import { update } from './engine/update.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

const flag = /** @type {const} */ ({ type: 'boolean', default: false });

/** @returns {() => Promise<string>} */
function readCommand() {
  const { values, positionals } = parseArgs({
    options: { nightly: flag, again: flag },
    allowPositionals: true,
  });
  if (positionals.join() === 'update') return () => update(root, values);
  if (positionals.join() === 'rollback') return () => rollback(root);
  throw new Error(`unknown command: ${positionals.join(' ')}`);
}

let command;
try {
  command = readCommand();
} catch (error) {
  process.stderr.write(`engine: ${error instanceof Error ? error.message : error}\n`);
  process.stderr.write('engine: use `update [--nightly] [--again]` or `rollback`\n');
  process.exit(2);
}
loadDotenv({ quiet: true, path: process.env.DOTENV_CONFIG_PATH ?? join(root, '.env') });
try {
  process.stdout.write(`engine: ${await command()}\n`);
} catch (error) {
  if (!(error instanceof Error)) throw error;
  process.stderr.write(`engine: ${error.message}\n`);
  process.exitCode = 1;
}
