// @ts-check
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { probe } from '../setup/engine/probe.mjs';
import { installFromPypi, PINS } from '../setup/engine/pypi.mjs';
import { compareVersions } from '../setup/engine/shared.mjs';
import { adopt, newFolder, readRecord } from '../setup/engine/store.mjs';
import { findPythons } from '../setup/python.mjs';
import { newestVersion } from './newest.mjs';
import { prove } from './prove.mjs';
import { findHome, loadService } from './service.mjs';

/** Another update installs the same. */
const LOCK_PATIENCE_MS = 1000;

/**
 * @typedef {object} UpdateOptions
 * @property {boolean} nightly also versions that are not released
 * @property {boolean} again also a version that was rejected
 */

/**
 * Installs a newer yt-dlp beside the active one, verifies it, and activates it.
 * @param {string} root
 * @param {UpdateOptions} options
 * @returns {Promise<string>} what was done
 * @throws when it could not be done; the active engine is then unchanged
 */
export async function update(root, options) {
  const { engines } = await loadService();
  const home = await findHome(root);
  const why = engines.writeProblem(home.store);
  if (why !== null) throw new Error(`${why}: updates need a writable folder, see ENGINE_DIR in .env.example`);
  return engines.withEngineLock(home.store, LOCK_PATIENCE_MS, () => updateLocked(root, home, options));
}

/**
 * @param {string} root
 * @param {import('../../src/engine/index.ts').EngineDirs} home
 * @param {UpdateOptions} options
 */
async function updateLocked(root, home, { nightly, again }) {
  const { engines } = await loadService();
  const { store } = home;
  const active = engines.activeEngine(home);
  const [python] = (await findPythons()).usable;
  if (!python) throw new Error('no Python 3.10 or newer on PATH');
  const newest = await newestVersion(python.path, join(store, `.look-${process.pid}`), nightly);
  const isNewest = (/** @type {{ version: string }} */ { version }) => compareVersions(version, newest) === 0;
  const state = engines.readState(store);
  engines.writeState(store, { ...state, newest: { version: newest, seen: new Date().toISOString() } });
  if (compareVersions(newest, active.ytdlp) <= 0) return `yt-dlp ${active.ytdlp} is the newest there is`;
  const rejected = state.rejected.find(isNewest);
  if (rejected && !again) {
    return `yt-dlp ${newest} was rejected on ${rejected.at.slice(0, 10)} (${rejected.why}); ${active.ytdlp} stays`;
  }
  process.stdout.write(`engine: installing yt-dlp ${newest} beside ${active.ytdlp} …\n`);
  const folder = newFolder(store);
  try {
    const found = await install(folder, python, newest);
    if (typeof found === 'string') throw new Error(`yt-dlp ${newest} could not be installed: ${found}`);
    const facts = await probe(found.python, found.sysPath);
    const why = typeof facts === 'string' ? facts : await prove(root, { ...found, ...facts, folder });
    const latest = engines.readState(store);
    const others = latest.rejected.filter((one) => !isNewest(one));
    if (typeof facts === 'string' || why !== null) {
      const rejection = { version: newest, at: new Date().toISOString(), why: why ?? '' };
      engines.writeState(store, { ...latest, rejected: [...others, rejection] });
      throw new Error(`yt-dlp ${newest} is rejected: ${why}. ${active.ytdlp} stays`);
    }
    const { ytdlp, curlCffi, impersonation, versionFile } = facts;
    // pip's versions of nightlies contain "dev".
    const source = newest.includes('dev') ? 'nightly' : 'update';
    const { pins } = readRecord(active.dir);
    // Written before the switch, so that the new engine always has one to go back to. The base engine needs no entry.
    const previous = active.dir === home.base?.dir ? null : basename(active.dir);
    engines.writeState(store, { ...latest, previous, rejected: others });
    const record = { ...found, ytdlp, curlCffi, impersonation, source, pins };
    adopt(store, folder, record, [found.python, versionFile]);
    engines.removeOld(store, previous);
    return `yt-dlp ${ytdlp} is in use from now on; ${active.ytdlp} is kept for \`npm run engine:rollback\``;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Installs with yt-dlp's own dependencies, or with the pinned ones where the index lacks those: yt-dlp requires the certifi
 * of its release week.
 * @param {string} folder
 * @param {import('../setup/python.mjs').Python} python
 * @param {string} version by name, because `--pre` would also install unreleased dependencies
 */
async function install(folder, python, version) {
  const first = await installFromPypi(folder, python, [`yt-dlp[default,curl-cffi]==${version}`]);
  if (typeof first !== 'string') return first;
  const list = `${folder}-requirements.txt`;
  try {
    // Versions without hashes: a list with hashes needs one for each package, and this yt-dlp has none.
    const pinned = [...readFileSync(PINS, 'utf8').matchAll(/^([\w-]+==[\d.]+)/gm)].map(
      ([, pin]) => pin ?? '',
    );
    const lines = [...pinned.filter((pin) => !pin.startsWith('yt-dlp==')), `yt-dlp==${version}`];
    writeFileSync(list, `${lines.join('\n')}\n`);
    const second = await installFromPypi(folder, python, ['--no-deps', '-r', list]);
    return typeof second === 'string' ? `${first}; with the pinned dependencies: ${second}` : second;
  } finally {
    rmSync(list, { force: true });
  }
}
