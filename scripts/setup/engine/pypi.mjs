// @ts-check
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pipInstall } from '../pip.mjs';
import { run } from '../run.mjs';

const PINS = join(import.meta.dirname, '../engine-requirements.txt');

/**
 * What pip is asked for, in order: the tested versions, and where an index does not have them (or they do not have
 * this Python) whatever yt-dlp the index can put together.
 */
export const ASKED_OF_PYPI = /** @type {const} */ ([
  { source: 'pypi-pinned', name: 'PyPI', what: ['--no-deps', '-r', PINS] },
  { source: 'pypi-latest', name: 'PyPI, unpinned', what: ['yt-dlp[default,curl-cffi]'] },
]);

/**
 * Makes a virtual environment with yt-dlp in a folder. venv brings no pip here: it would take three seconds, Debian's
 * python3 has none to bring, and the service does not want one.
 * @param {string} folder
 * @param {readonly import('../python.mjs').Python[]} pythons the first of them is used
 * @param {readonly string[]} what
 * @returns {Promise<{ python: string, sysPath: string[] } | string>} why not, when not
 */
export async function installFromPypi(folder, [python], what) {
  if (!python) return 'no Python';
  const made = await run(python.path, ['-m', 'venv', '--without-pip', folder], { timeoutMs: 60_000 });
  if (!made.ok) return `no virtual environment: ${made.reason}`;
  const lib = join(folder, 'lib');
  const packages = join(
    lib,
    readdirSync(lib).find((name) => name.startsWith('python')) ?? '',
    'site-packages',
  );
  const scratch = join(folder, 'pip');
  const installed = await pipInstall(python.path, packages, scratch, what);
  rmSync(scratch, { recursive: true, force: true });
  if (!installed.ok) return installed.reason;
  // Named although this Python looks there anyway: a host started by another name for it finds yt-dlp too.
  return { python: join(folder, 'bin/python'), sysPath: [packages] };
}
