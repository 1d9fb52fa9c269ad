// @ts-check
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './run.mjs';

const FETCH_PIP = join(import.meta.dirname, 'fetch_pip.py');
/**
 * Said on the command line, where they win over the user's configuration: pip's own five retries (and some machines'
 * default of minutes) would make a dead index cost as long as a working one.
 */
const PATIENCE = ['--retries', '1', '--timeout', '10'];
/** curl_cffi, the largest, is 10 MB. */
const INSTALL_LIMIT_MS = 5 * 60_000;

/**
 * Without settings of the user's that cannot go together with `--target`. What pip unpacks on the way is more than the
 * /tmp of a container holds.
 * @param {string} scratch
 * @returns {NodeJS.ProcessEnv}
 */
function pipEnvironment(scratch) {
  const settings = { PIP_USER: '0', PIP_REQUIRE_VIRTUALENV: '0', PIP_DISABLE_PIP_VERSION_CHECK: '1' };
  return { ...process.env, ...settings, TMPDIR: scratch };
}

/**
 * Installs Python packages into a folder, wheels only: nothing is compiled on the user's machine.
 * @param {string} python the interpreter that will import them
 * @param {string} target
 * @param {string} scratch a folder for what pip unpacks, and for a pip where this Python has none
 * @param {readonly string[]} what requirements and options
 * @returns {Promise<import('./run.mjs').Outcome>}
 */
export async function pipInstall(python, target, scratch, what) {
  mkdirSync(scratch, { recursive: true });
  const env = pipEnvironment(scratch);
  const args = [
    'install',
    '--quiet',
    '--no-input',
    '--only-binary',
    ':all:',
    ...PATIENCE,
    '--target',
    target,
  ];
  const pip = await findPip(python, scratch, env);
  if (typeof pip !== 'string') return pip;
  const command = pip === '' ? ['-m', 'pip'] : [pip];
  return run(python, [...command, ...args, ...what], { timeoutMs: INSTALL_LIMIT_MS, env });
}

/**
 * Debian's python3 comes without pip and without what venv needs to bring one: pip's own wheel runs as it is.
 * @param {string} python
 * @param {string} scratch
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<string | import('./run.mjs').Outcome>} what Python is to run; empty: the module that it has
 */
async function findPip(python, scratch, env) {
  const own = await run(python, ['-m', 'pip', '--version'], { timeoutMs: 20_000, env });
  if (own.ok) return '';
  const fetched = await run(python, [FETCH_PIP, scratch], { timeoutMs: 30_000, env });
  return fetched.ok ? join(fetched.stdout.trim(), 'pip') : fetched;
}
