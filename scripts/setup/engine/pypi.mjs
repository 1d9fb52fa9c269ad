// @ts-check
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pipInstall } from '../pip.mjs';
import { run } from '../run.mjs';

export const PINS = join(import.meta.dirname, '../engine-requirements.txt');

/** The reason of a failure where the index has another file than the one that is pinned. */
export const OTHER_FILE = 'a package is not the pinned one: its hash differs';
/** pip's words for that. */
const PIP_SAYS = 'DO NOT MATCH THE HASHES';

/**
 * Makes a virtual environment with yt-dlp in a folder, without pip: Debian's python3 has none to copy, and the service does
 * not need it.
 * @param {string} folder
 * @param {import('../python.mjs').Python} python
 * @param {readonly string[]} what requirements and options for pip
 * @returns {Promise<{ python: string, sysPath: string[] } | string>} a string is the reason why it failed
 */
export async function installFromPypi(folder, python, what) {
  const made = await run(python.path, ['-m', 'venv', '--without-pip', folder], { timeoutMs: 60_000 });
  if (!made.ok) return `no virtual environment: ${made.reason}`;
  const lib = join(folder, 'lib');
  const version = readdirSync(lib).find((name) => name.startsWith('python')) ?? '';
  const packages = join(lib, version, 'site-packages');
  const scratch = join(folder, 'pip');
  const installed = await pipInstall(python.path, packages, scratch, what);
  rmSync(scratch, { recursive: true, force: true });
  if (!installed.ok) return installed.stderr.includes(PIP_SAYS) ? OTHER_FILE : installed.reason;
  // Named although this Python searches it anyway: the engine also works when another name for this Python starts it.
  return { python: join(folder, 'bin/python'), sysPath: [packages] };
}
