// @ts-check
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { report, SetupError } from './report.mjs';
import { run } from './run.mjs';
import { hashOf, readStamp } from './stamp.mjs';

const STAMP = 'node_modules/.setup-stamp';
const INSTALL_LIMIT_MS = 15 * 60_000;

/**
 * Installs what package-lock.json lists.
 * @param {string} root the project's folder
 * @param {boolean} withDev
 */
export async function installDependencies(root, withDev) {
  const lock = hashOf(root, ['package-lock.json']);
  const stamp = readStamp(join(root, STAMP));
  if (stamp === `${lock} all` || (!withDev && stamp === `${lock} production`)) return;

  const installed = readPackages(join(root, 'node_modules/.package-lock.json'));
  const wanted = readPackages(join(root, 'package-lock.json'));
  if (isInstalled(wanted, installed, withDev)) {
    writeFileSync(
      join(root, STAMP),
      `${lock} ${isInstalled(wanted, installed, true) ? 'all' : 'production'}\n`,
    );
    return;
  }

  report('installing npm packages, which takes a minute or two');
  const started = Date.now();
  // Set by npm; missing when set-up is started by hand.
  const npm = process.env.npm_execpath;
  const [command, ...before] = npm ? [process.execPath, npm] : ['npm'];
  // NODE_ENV=production would omit the compiler, which the build needs.
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
      `npm ci failed: ${why}. Check that the npm registry can be reached, then run this again.`,
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
 * Whether npm's record of installed packages matches the lock, as after a manual `npm ci`.
 * @param {Packages | null} wanted from package-lock.json
 * @param {Packages | null} installed from node_modules/.package-lock.json
 * @param {boolean} withDev
 */
export function isInstalled(wanted, installed, withDev) {
  if (!wanted || !installed) return false;
  return Object.entries(wanted).every(([path, { version, dev, optional, devOptional }]) => {
    const there = installed[path];
    if (path === '' || there) return path === '' || there?.version === version;
    // Optional packages are mostly those of other platforms.
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
