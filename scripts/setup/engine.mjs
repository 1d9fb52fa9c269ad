// @ts-check
import { readFileSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { findInstalled } from './engine/installed.mjs';
import { probe } from './engine/probe.mjs';
import { installFromPypi, OTHER_FILE, PINS } from './engine/pypi.mjs';
import { compareVersions, storeOf } from './engine/shared.mjs';
import { adopt, currentEngine, isUntouched, newFolder, writeRecord } from './engine/store.mjs';
import { findPythons } from './python.mjs';
import { howToInstall, report, SetupError, warn } from './report.mjs';
import { hashOf } from './stamp.mjs';

/**
 * @typedef {object} Source
 * @property {string} id as recorded in engine.json
 * @property {string} name for people
 * @property {(folder: string) => Promise<{ python: string, sysPath: string[] } | string>} install
 */

/**
 * Ensures that there is a yt-dlp which a Python can import, from the first source that works.
 * @param {string} root the project's folder
 * @param {boolean} force also when there is a good one
 * @throws {SetupError} when no source works
 */
export async function installEngine(root, force = false) {
  const pins = hashOf(import.meta.dirname, ['engine-requirements.txt']);
  const store = storeOf(root);
  const current = currentEngine(store);
  if (current && !force && current.record.pins === pins) {
    if (isUntouched(current.dir, current.record)) return;
    if (await stillWorks(current, pins)) return;
  }
  // An update that is newer than the pinned version stays.
  const isAhead = current && !force && compareVersions(current.record.ytdlp, pinnedVersion()) > 0;
  if (isAhead && (await stillWorks(current, pins))) return;

  /** @type {string[]} */
  const failures = [];
  for (const { id, name, install } of await sources()) {
    // An index with a file that differs is not asked for files that nothing is known of.
    if (id === 'pypi-latest' && failures.some((failure) => failure.endsWith(OTHER_FILE))) continue;
    const folder = newFolder(store);
    try {
      const found = await install(folder);
      const facts = typeof found === 'string' ? found : await probe(found.python, found.sysPath);
      if (typeof found === 'string' || typeof facts === 'string') {
        failures.push(`${name}: ${facts}`);
        continue;
      }
      const { ytdlp, curlCffi, impersonation, versionFile } = facts;
      const record = { ...found, ytdlp, curlCffi, impersonation, source: id, pins };
      adopt(store, folder, record, [found.python, versionFile]);
      announce(name, facts, failures);
      return;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  if (current && (await stillWorks(current, pins))) {
    warn(`no newer engine (${failures.join('; ')}): yt-dlp ${current.record.ytdlp} stays`);
    return;
  }
  throw new SetupError(
    `no yt-dlp (${failures.join('; ')}). Give this machine access to PyPI (PIP_INDEX_URL for a mirror), or install yt-dlp: ` +
      `${howToInstall('yt-dlp', '`pip install "yt-dlp[default,curl-cffi]"`')}. Then run this again.`,
  );
}

/** The newest yt-dlp that is pinned; older ones are for older Pythons. */
function pinnedVersion() {
  return /^yt-dlp==([\d.]+)/m.exec(readFileSync(PINS, 'utf8'))?.[1] ?? '0';
}

/**
 * @returns {Promise<Source[]>} best first
 * @throws {SetupError} without a Python that is new enough
 */
async function sources() {
  const { usable, tooOld } = await findPythons();
  const [python] = usable;
  if (!python) {
    const found = tooOld.map(({ path, version }) => `${path} is ${version}`).join(', ');
    const how = howToInstall('python3', 'install Python 3.10 or newer as `python3`');
    throw new SetupError(
      `Python 3.10 or newer is missing${found && ` (${found})`}: ${how}. Then run this again.`,
    );
  }
  return [
    {
      id: 'pypi-pinned',
      name: 'PyPI',
      install: (folder) => installFromPypi(folder, python, ['--no-deps', '--require-hashes', '-r', PINS]),
    },
    {
      id: 'pypi-latest',
      name: 'PyPI, newest versions',
      install: (folder) => installFromPypi(folder, python, ['yt-dlp[default,curl-cffi]']),
    },
    { id: 'machine', name: 'this machine', install: () => findInstalled(usable) },
  ];
}

/**
 * Tries an engine of which something may have changed: the project was moved, Python upgraded, yt-dlp replaced.
 * @param {NonNullable<ReturnType<typeof currentEngine>>} engine
 * @param {string} pins to record
 */
async function stillWorks({ dir, record }, pins) {
  const python = resolve(dir, record.python);
  const sysPath = record.sysPath.map((path) => resolve(dir, path));
  const facts = await probe(python, sysPath);
  if (typeof facts === 'string') return false;
  const { ytdlp, curlCffi, impersonation, versionFile } = facts;
  writeRecord(dir, { ...record, pins, python, sysPath, ytdlp, curlCffi, impersonation }, [
    python,
    versionFile,
  ]);
  if (compareVersions(ytdlp, record.ytdlp) !== 0) report(`engine: yt-dlp is now ${ytdlp}`);
  return true;
}

/**
 * @param {string} name
 * @param {import('./engine/probe.mjs').Facts} facts
 * @param {readonly string[]} failures
 */
function announce(name, { ytdlp, curlCffi, impersonation }, failures) {
  const how = impersonation
    ? `with browser impersonation (curl_cffi ${curlCffi})`
    : 'WITHOUT browser impersonation, which TikTok often requires';
  const failed = failures.length > 0 ? `; failed: ${failures.join('; ')}` : '';
  report(`engine: yt-dlp ${ytdlp} from ${name}, ${how}${failed}`);
}
