// @ts-check
import { readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { aptInstall, aptInstallFromBackports, isRootOnDebian } from './debian.mjs';
import { findInstalled } from './engine/installed.mjs';
import { probe } from './engine/probe.mjs';
import { ASKED_OF_PYPI, installFromPypi } from './engine/pypi.mjs';
import { compareVersions, storeOf } from './engine/shared.mjs';
import { adopt, currentEngine, isUntouched, newFolder, writeRecord } from './engine/store.mjs';
import { downloadWithYtDlpExec } from './engine/yt-dlp-exec.mjs';
import { findPythons } from './python.mjs';
import { report, SetupError, warn } from './report.mjs';
import { hashOf } from './stamp.mjs';

/** The one Python that a distribution calls its own; apt's yt-dlp is a module of it. */
const SYSTEM_PYTHON = '/usr/bin/python3';

/**
 * @typedef {{ python: string, sysPath: string[] }} Found
 * @typedef {object} Way
 * @property {string} source as recorded in engine.json
 * @property {string} name as people know it
 * @property {(folder: string) => Promise<Found | string>} attempt an engine, or why there is none this way
 */

/**
 * Sees to it that there is a yt-dlp which a Python can import, from the first way that works.
 * @param {string} root the project's folder
 * @param {boolean} again also when there is a good one
 * @throws {SetupError} when no way works
 */
export async function installEngine(root, again = false) {
  const pins = hashOf(import.meta.dirname, ['engine-requirements.txt']);
  const store = storeOf(root);
  const current = currentEngine(store);
  if (current && !again && current.record.pins === pins) {
    if (isUntouched(current.dir, current.record)) return;
    if (await stillServes(current)) return;
  }
  // `npm run engine:update` went ahead of what this release of the project was tested with: there is no way back.
  const ahead = current && !again && compareVersions(current.record.ytdlp, pinnedVersion()) > 0;
  if (ahead && (await stillServes({ ...current, record: { ...current.record, pins } }))) return;

  const pythons = await pythonsToUse();
  const failures = [];
  for (const way of waysFrom(root, pythons)) {
    const folder = newFolder(store);
    try {
      const found = await way.attempt(folder);
      const facts = typeof found === 'string' ? found : await probe(found.python, found.sysPath);
      if (typeof found === 'string' || typeof facts === 'string') {
        failures.push(`${way.name}: ${facts}`);
        continue;
      }
      const { ytdlp, curlCffi, impersonation, versionFile } = facts;
      const record = { ...found, ytdlp, curlCffi, impersonation, source: way.source, pins };
      adopt(store, folder, record, [found.python, versionFile]);
      announce(way.name, facts, failures);
      return;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  if (current && (await stillServes({ ...current, record: { ...current.record, pins } }))) {
    warn(`no way to a newer engine (${failures.join('; ')}): yt-dlp ${current.record.ytdlp} stays`);
    return;
  }
  throw new SetupError(
    `no yt-dlp: ${failures.join('; ')}. Let this machine reach PyPI, or install yt-dlp (\`pip install yt-dlp\`), then run this again.`,
  );
}

/** The newest yt-dlp that is pinned; older ones are for older Pythons. */
function pinnedVersion() {
  const pins = readFileSync(join(import.meta.dirname, 'engine-requirements.txt'), 'utf8');
  return /^yt-dlp==([\d.]+)/m.exec(pins)?.[1] ?? '0';
}

/** @returns {Promise<import('./python.mjs').Python[]>} at least one */
async function pythonsToUse() {
  const { usable, tooOld } = await findPythons();
  if (usable.length > 0) return usable;
  const found = tooOld.map(({ path, version }) => `${path} is ${version}`).join(', ');
  if (isRootOnDebian()) {
    const why = await aptInstall(['python3', 'ca-certificates']);
    const { usable: installed } = await findPythons();
    if (why === '' && installed.length > 0) {
      report(`Python ${installed[0]?.version} installed with apt-get`);
      return installed;
    }
  }
  throw new SetupError(
    found
      ? `Python is too old (${found}): install Python 3.10 or newer and run this again.`
      : 'Python is missing: install Python 3.10 or newer as `python3` and run this again.',
  );
}

/**
 * @param {string} root
 * @param {import('./python.mjs').Python[]} pythons best first
 * @returns {Way[]}
 */
function waysFrom(root, pythons) {
  const fromPypi = ASKED_OF_PYPI.map(({ source, name, what }) => ({
    source,
    name,
    /** @param {string} folder */
    attempt: (folder) => installFromPypi(folder, pythons, what),
  }));
  const elsewhere = [
    { source: 'machine', name: 'this machine', attempt: () => findInstalled(pythons) },
    {
      source: 'yt-dlp-exec',
      name: 'GitHub',
      /** @param {string} folder */
      attempt: (folder) => downloadWithYtDlpExec(root, folder, pythons),
    },
  ];
  // Backports first: what a stable Debian itself has is mostly too old to read a page of today.
  const fromDebian = [aptInstallFromBackports, aptInstall].map((install, i) => ({
    source: 'debian',
    name: i === 0 ? "Debian's backports" : 'Debian',
    attempt: () => withPackages(install),
  }));
  return [...fromPypi, ...elsewhere, ...(isRootOnDebian() ? fromDebian : [])];
}

/**
 * @param {(packages: string[]) => Promise<string>} install
 * @returns {Promise<Found | string>}
 */
async function withPackages(install) {
  const why = await install(['yt-dlp']);
  if (why !== '') return why;
  const facts = await probe(SYSTEM_PYTHON, []);
  return typeof facts === 'string' ? facts : { python: SYSTEM_PYTHON, sysPath: [facts.holder] };
}

/**
 * Tries an engine of which something changed, or may have: the project was moved, Python upgraded, yt-dlp replaced.
 * @param {NonNullable<ReturnType<typeof currentEngine>>} engine
 */
async function stillServes({ dir, record }) {
  const python = resolve(dir, record.python);
  const sysPath = record.sysPath.map((path) => resolve(dir, path));
  const facts = await probe(python, sysPath);
  if (typeof facts === 'string') return false;
  const { ytdlp, curlCffi, impersonation, versionFile } = facts;
  writeRecord(dir, { ...record, python, sysPath, ytdlp, curlCffi, impersonation }, [python, versionFile]);
  if (compareVersions(ytdlp, record.ytdlp) !== 0) report(`engine: yt-dlp is ${ytdlp} now`);
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
    : 'WITHOUT browser impersonation, which TikTok often asks for';
  const instead = failures.length > 0 ? `; did not work: ${failures.join('; ')}` : '';
  report(`engine: yt-dlp ${ytdlp} from ${name}, ${how}${instead}`);
}
