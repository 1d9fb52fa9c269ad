// @ts-check
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './run.mjs';

const FETCH_PIP = join(import.meta.dirname, 'fetch_pip.py');
/** Options on the command line override pip's configuration; by default an index out of reach costs minutes. */
const PATIENCE = ['--retries', '1', '--timeout', '10'];
const INSTALL_LIMIT_MS = 5 * 60_000;

/**
 * Installs Python packages into a folder, wheels only, so that nothing is compiled.
 * @param {string} python the interpreter that will import them
 * @param {string} target
 * @param {string} scratch a folder for pip's temporary files, and for a pip where this Python has none
 * @param {readonly string[]} what requirements and options
 * @returns {Promise<import('./run.mjs').Outcome>}
 */
export async function pipInstall(python, target, scratch, what) {
  mkdirSync(scratch, { recursive: true });
  const env = {
    ...process.env,
    // Settings that exclude --target.
    ...{ PIP_USER: '0', PIP_REQUIRE_VIRTUALENV: '0' },
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
    // A container's /tmp may be too small.
    TMPDIR: scratch,
  };
  const pip = await findPip(python, scratch, env);
  if (!Array.isArray(pip)) return pip;
  const options = ['--quiet', '--no-input', '--only-binary', ':all:', ...PATIENCE, '--target', target];
  return run(python, [...pip, 'install', ...options, ...what], { timeoutMs: INSTALL_LIMIT_MS, env });
}

/**
 * Debian's python3 has neither pip nor what venv needs to install one; pip's own wheel runs as it is.
 * @param {string} python
 * @param {string} scratch
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<string[] | import('./run.mjs').Outcome>} Python's arguments to run pip, or why there is none
 */
async function findPip(python, scratch, env) {
  const own = await run(python, ['-m', 'pip', '--version'], { timeoutMs: 20_000, env });
  if (own.ok) return ['-m', 'pip'];
  const fetched = await run(python, [FETCH_PIP, scratch], { timeoutMs: 30_000, env });
  return fetched.ok ? [join(fetched.stdout.trim(), 'pip')] : fetched;
}
