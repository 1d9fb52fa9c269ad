// @ts-check
import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { run } from './run.mjs';

const NAMES = ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python'];
const OLDEST = 10;
/** The oldest that the pinned yt-dlp supports. */
const PREFERRED = 11;

/**
 * @typedef {object} Python
 * @property {string} path absolute path of the interpreter
 * @property {string} version such as `3.11.2`
 */

/**
 * Whether a version such as `3.11.2`, `3.13.0rc1` or `3.12.1+` is at least 3.`minor`.
 * @param {string} version
 * @param {number} minor
 */
export function isAtLeast(version, minor = OLDEST) {
  return Number(/^3\.(\d+)/.exec(version)?.[1] ?? -1) >= minor;
}

/**
 * Every Python on PATH, and the one that runs a `yt-dlp` command found there (pipx keeps its own).
 * @returns {Promise<{ usable: Python[], tooOld: Python[] }>} usable: those that the pinned yt-dlp supports first, then in the
 *   order of PATH
 */
export async function findPythons() {
  const paths = [
    ...NAMES.flatMap((name) => onPath(name).slice(0, 2)),
    ...onPath('yt-dlp').flatMap(shebangOf),
  ];
  const found = (await Promise.all([...new Set(paths)].map(identify))).flat();
  // pyenv's shims and Debian's merged /bin give one interpreter several names.
  const pythons = [...new Map(found.map((python) => [python.path, python])).values()];
  const isPreferred = (/** @type {Python} */ { version }) => Number(isAtLeast(version, PREFERRED));
  return {
    usable: pythons
      .filter(({ version }) => isAtLeast(version))
      .sort((a, b) => isPreferred(b) - isPreferred(a)),
    tooOld: pythons.filter(({ version }) => !isAtLeast(version)),
  };
}

/**
 * @param {string} path
 * @returns {Promise<Python[]>} empty when it does not run, such as a pyenv shim of a version that is not selected
 */
async function identify(path) {
  const code = 'import sys; print(sys.executable); print("%d.%d.%d" % sys.version_info[:3])';
  const { ok, stdout } = await run(path, ['-c', code], { timeoutMs: 10_000 });
  const [executable = '', version = ''] = stdout.split('\n').map((line) => line.trim());
  return ok && /^\d+\.\d+/.test(version) ? [{ path: executable || path, version }] : [];
}

/**
 * Where a command is on PATH, in PATH's order.
 * @param {string} name
 * @param {string} path the value of PATH
 * @returns {string[]}
 */
export function onPath(name, path = process.env.PATH ?? '') {
  const folders = path.split(delimiter).filter((folder) => isAbsolute(folder));
  return [...new Set(folders)].map((folder) => join(folder, name)).filter(isExecutable);
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * @param {string} script
 * @returns {string[]} the Python that its first line names by an absolute path
 */
function shebangOf(script) {
  const firstLine = readFileSync(script).subarray(0, 256).toString('latin1').split('\n')[0] ?? '';
  return /^#!\s*(\/\S*python[\d.]*)\s*$/.exec(firstLine)?.slice(1) ?? [];
}
