// @ts-check
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './run.mjs';

const APT = '/etc/apt';
/** Ours for a moment only; a list of the user's that names backports already does the same. */
const PASSING_LIST = join(APT, 'sources.list.d/tiktok-downloader-setup.list');
const UPDATE_LIMIT_MS = 120_000;
const INSTALL_LIMIT_MS = 10 * 60_000;
/** A dead mirror is asked once, not for minutes. */
const PATIENCE = [
  '-o',
  'Acquire::Retries=1',
  '-o',
  'Acquire::http::Timeout=10',
  '-o',
  'Acquire::https::Timeout=10',
];
const QUIET = ['-qq', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=60'];

/** Whether packages may be installed: as root, on Debian or what is made from it. Never through sudo. */
export function isRootOnDebian() {
  return process.getuid?.() === 0 && existsSync('/usr/bin/apt-get') && existsSync('/etc/debian_version');
}

/**
 * @param {readonly string[]} packages
 * @param {string | null} release such as `bookworm-backports`, to prefer it; null for the machine's own
 * @returns {Promise<string>} empty when they are installed, or else why not
 */
export async function aptInstall(packages, release = null) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const from = release === null ? [] : ['-t', release];
  const update = await run('apt-get', ['update', '-qq', ...PATIENCE], { timeoutMs: UPDATE_LIMIT_MS, env });
  const install = await run('apt-get', ['install', ...QUIET, ...PATIENCE, ...from, ...packages], {
    timeoutMs: INSTALL_LIMIT_MS,
    env,
  });
  // A list of the user's that fails to update is no harm where the packages came nonetheless.
  return install.ok ? '' : install.reason || update.reason;
}

/**
 * The same from the backports of this Debian, whose list is there only for the time of the call.
 * @param {readonly string[]} packages
 * @returns {Promise<string>} empty when they are installed, or else why not
 */
export async function aptInstallFromBackports(packages) {
  const release = readFileSync('/etc/os-release', 'utf8');
  const codename = /^VERSION_CODENAME=(\w+)$/m.exec(release)?.[1];
  if (!/^ID=debian$/m.test(release) || !codename) return 'only Debian itself has backports';
  writeFileSync(PASSING_LIST, `deb ${mirrorOf(readSources(), codename)} ${codename}-backports main\n`);
  const remove = () => rmSync(PASSING_LIST, { force: true });
  process.once('exit', remove);
  try {
    return await aptInstall(packages, `${codename}-backports`);
  } finally {
    remove();
    process.off('exit', remove);
  }
}

function readSources() {
  const parts = join(APT, 'sources.list.d');
  const files = existsSync(parts) ? readdirSync(parts).map((name) => join(parts, name)) : [];
  const lists = [join(APT, 'sources.list'), ...files].filter((path) => /\.(list|sources)$/.test(path));
  return lists.filter((path) => existsSync(path)).map((path) => readFileSync(path, 'utf8'));
}

/**
 * The mirror that this machine takes Debian from; backports lie beside the release.
 * @param {readonly string[]} sources contents of apt's lists, in either of their two forms
 * @param {string} codename such as `bookworm`
 */
export function mirrorOf(sources, codename) {
  for (const text of sources) {
    for (const stanza of text.split(/\n\s*\n/)) {
      const suites = /^Suites:(.*)$/m.exec(stanza)?.[1]?.trim().split(/\s+/) ?? [];
      const uri = /^URIs:\s*(\S+)/m.exec(stanza)?.[1];
      if (uri && suites.includes(codename)) return uri;
    }
    const line = new RegExp(`^deb\\s+(?:\\[[^\\]]*\\]\\s+)?(\\S+)\\s+${codename}\\s`, 'm').exec(text)?.[1];
    if (line) return line;
  }
  return 'http://deb.debian.org/debian';
}
