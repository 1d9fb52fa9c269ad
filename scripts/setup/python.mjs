// @ts-check
import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { run } from './run.mjs';

const NAMES = ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python'];
const OLDEST = 10;
/** What the pinned yt-dlp asks for. */
const PREFERRED = 11;

/**
 * @typedef {object} Python
 * @property {string} path absolute path of the interpreter
 * @property {string} version such as `3.11.2`
 */

/**
 * @param {string} version such as `3.11.2`; anything after the numbers is passed over (`3.13.0rc1`, `3.12.1+`)
 * @returns {{ major: number, minor: number } | null} null when it is no version at all
 */
export function parsePythonVersion(version) {
  const match = /^(?:Python )?(\d+)\.(\d+)/.exec(version.trim());
  return match ? { major: Number(match[1]), minor: Number(match[2]) } : null;
}

/** @param {string} version */
export function isNewEnough(version) {
  return atLeast(version, OLDEST);
}

/**
 * @param {string} version
 * @param {number} minor
 */
function atLeast(version, minor) {
  const parsed = parsePythonVersion(version);
  return parsed !== null && (parsed.major > 3 || (parsed.major === 3 && parsed.minor >= minor));
}

/**
 * Every Python on PATH, and the one that a `yt-dlp` command found there belongs to (pipx keeps its own).
 * @returns {Promise<{ usable: Python[], tooOld: Python[] }>} usable: best first. The user's own order counts, save
 *   that a Python which can take the pinned yt-dlp goes before one that cannot.
 */
export async function findPythons() {
  const owner = onPath('yt-dlp').map(shebangOf);
  const candidates = [...NAMES.flatMap((name) => onPath(name).slice(0, 2)), ...owner].filter(
    (path) => path !== null,
  );
  const found = await Promise.all([...new Set(candidates)].map(ask));
  // pyenv's shims and Debian's merged /bin give the same interpreter several names.
  const pythons = [...new Map(found.filter((python) => python !== null).map((p) => [p.path, p])).values()];
  const usable = pythons.filter(({ version }) => isNewEnough(version));
  return {
    usable: usable.sort(
      (a, b) => Number(atLeast(b.version, PREFERRED)) - Number(atLeast(a.version, PREFERRED)),
    ),
    tooOld: pythons.filter(({ version }) => !isNewEnough(version)),
  };
}

/**
 * @param {string} path
 * @returns {Promise<Python | null>} null where it does not run, as a pyenv shim of a version that is not chosen
 */
async function ask(path) {
  const code = 'import sys; print(sys.executable); print("%d.%d.%d" % sys.version_info[:3])';
  const { ok, stdout } = await run(path, ['-c', code], { timeoutMs: 10_000 });
  const [executable = '', version = ''] = stdout.split('\n').map((line) => line.trim());
  if (!ok || !parsePythonVersion(version)) return null;
  return { path: executable || path, version };
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
 * @returns {string | null} the Python that its first line names with an absolute path
 */
function shebangOf(script) {
  const firstLine = readFileSync(script).subarray(0, 256).toString('latin1').split('\n')[0] ?? '';
  return /^#!\s*(\/\S*python[\d.]*)\s*$/.exec(firstLine)?.[1] ?? null;
}
