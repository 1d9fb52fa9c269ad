// @ts-check
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { report, SetupError } from './report.mjs';
import { run } from './run.mjs';
import { hashOf, readStamp } from './stamp.mjs';

const STAMP = 'node_modules/.setup-stamp';
/** A slow line and an empty cache; the packages are about 100 MB. */
const INSTALL_LIMIT_MS = 15 * 60_000;

/**
 * Brings node_modules in line with package-lock.json.
 * @param {string} root the project's folder
 * @param {boolean} withDev false where the build is there and production asks for less
 */
export async function installDependencies(root, withDev) {
  const lock = hashOf(root, ['package-lock.json']);
  const stamp = readStamp(join(root, STAMP));
  if (stamp === `${lock} all` || (!withDev && stamp === `${lock} production`)) return;

  const installed = readPackages(join(root, 'node_modules/.package-lock.json'));
  const wanted = readPackages(join(root, 'package-lock.json'));
  if (isInLine(wanted, installed, withDev)) {
    writeFileSync(join(root, STAMP), `${lock} ${isInLine(wanted, installed, true) ? 'all' : 'production'}\n`);
    return;
  }

  const started = Date.now();
  // npm says which program it is; without it (set-up run by hand) the one on PATH will do.
  const npm = process.env.npm_execpath;
  const [command, ...before] = npm ? [process.execPath, npm] : ['npm'];
  // NODE_ENV=production makes npm leave out the compiler, which the build needs.
  const which = withDev ? '--include=dev' : '--omit=dev';
  const outcome = await run(
    command ?? 'npm',
    [...before, 'ci', which, '--no-audit', '--no-fund', '--loglevel=error'],
    {
      timeoutMs: INSTALL_LIMIT_MS,
      cwd: root,
    },
  );
  if (!outcome.ok) {
    const why = /^npm error (?!A complete log|code)(.+)$/m.exec(outcome.stderr)?.[1] ?? outcome.reason;
    throw new SetupError(
      `npm ci failed: ${why}. See that the npm registry can be reached, then run this again.`,
    );
  }
  writeFileSync(join(root, STAMP), `${lock} ${withDev ? 'all' : 'production'}\n`);
  report(`npm packages installed (${Math.round((Date.now() - started) / 1000)} s)`);
}

/**
 * @typedef {{ version?: string, dev?: boolean, optional?: boolean, devOptional?: boolean }} LockedPackage
 * @typedef {Record<string, LockedPackage>} Packages
 */

/**
 * Whether what npm wrote down as installed is what the lock asks for, as after an `npm ci` by hand.
 * @param {Packages | null} wanted from package-lock.json
 * @param {Packages | null} installed from node_modules/.package-lock.json
 * @param {boolean} withDev
 */
export function isInLine(wanted, installed, withDev) {
  if (!wanted || !installed) return false;
  return Object.entries(wanted).every(([path, { version, dev, optional, devOptional }]) => {
    const there = installed[path];
    if (path === '' || there) return path === '' || there?.version === version;
    // Optional packages are those of other platforms, mostly.
    return optional === true || ((dev === true || devOptional === true) && !withDev);
  });
}

/**
 * @param {string} path of a package-lock.json
 * @returns {Packages | null}
 */
function readPackages(path) {
  if (!existsSync(path)) return null;
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages ?? null;
  } catch {
    return null;
  }
}
