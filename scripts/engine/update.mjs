// @ts-check
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { probe } from '../setup/engine/probe.mjs';
import { installFromPypi } from '../setup/engine/pypi.mjs';
import { adopt, newFolder, readRecord } from '../setup/engine/store.mjs';
import { findPythons } from '../setup/python.mjs';
import { newestVersion } from './newest.mjs';
import { prove } from './prove.mjs';
import { findHome, loadService } from './service.mjs';

/** Somebody else's update brings what this one would. */
const LOCK_PATIENCE_MS = 1000;
const PINS = join(import.meta.dirname, '../setup/engine-requirements.txt');

/**
 * @typedef {object} UpdateOptions
 * @property {boolean} nightly also versions that are not released
 * @property {boolean} again also one that was rejected before
 */

/**
 * Installs a newer yt-dlp beside the one in use, tries it, and makes it the current one.
 * @param {string} root
 * @param {UpdateOptions} options
 * @returns {Promise<string>} what was done
 * @throws when it could not be done; then nothing has changed
 */
export async function update(root, options) {
  const { engines } = await loadService();
  const home = await findHome(root);
  const why = engines.writeProblem(home.store);
  if (why !== null)
    throw new Error(`${why}: updates need a folder of their own, see ENGINE_DIR in .env.example`);
  return engines.withEngineLock(home.store, LOCK_PATIENCE_MS, () => locked(root, home, options));
}

/**
 * @param {string} root
 * @param {import('../../src/engine/index.ts').EngineDirs} home
 * @param {UpdateOptions} options
 */
async function locked(root, home, { nightly, again }) {
  const { engines } = await loadService();
  const { store } = home;
  const current = engines.activeEngine(home);
  const {
    usable: [python],
  } = await findPythons();
  if (!python) throw new Error('no Python 3.10 or newer on PATH');
  const newest = await newestVersion(python.path, join(store, `.look-${process.pid}`), nightly);
  const state = engines.readState(store);
  engines.writeState(store, { ...state, newest: { version: newest, seen: new Date().toISOString() } });
  if (engines.compareVersions(newest, current.ytdlp) <= 0) {
    return `yt-dlp ${current.ytdlp} is the newest there is`;
  }
  const rejected = state.rejected.find(({ version }) => engines.compareVersions(version, newest) === 0);
  if (rejected && !again) {
    return `yt-dlp ${newest} was rejected on ${rejected.at.slice(0, 10)} (${rejected.why}); ${current.ytdlp} stays`;
  }
  process.stdout.write(`engine: yt-dlp ${newest} is installed beside ${current.ytdlp} and tried …\n`);
  const folder = newFolder(store);
  try {
    const found = await install(folder, python, newest);
    const facts = typeof found === 'string' ? found : await probe(found.python, found.sysPath);
    if (typeof found === 'string') throw new Error(`yt-dlp ${newest} could not be installed: ${found}`);
    const verdict = typeof facts === 'string' ? facts : await prove(root, { ...found, ...facts, folder });
    if (typeof facts === 'string' || verdict !== null) {
      reject(engines, store, newest, verdict ?? 'unknown');
      throw new Error(`yt-dlp ${newest} is not taken: ${verdict}. ${current.ytdlp} stays`);
    }
    const { ytdlp, curlCffi, impersonation, versionFile } = facts;
    // pip's word for what is not released.
    const source = newest.includes('dev') ? 'nightly' : 'update';
    const { pins } = readRecord(current.dir);
    const record = { ...found, ytdlp, curlCffi, impersonation, source, pins };
    const latest = engines.readState(store);
    // It may have been rejected before; it is no more.
    const stillRejected = latest.rejected.filter((one) => engines.compareVersions(one.version, ytdlp) !== 0);
    // Before the switch: whoever sees the new one knows where to go back to. The base is always there for that.
    const previous = current.dir === home.base?.dir ? null : basename(current.dir);
    engines.writeState(store, { ...latest, previous, rejected: stillRejected });
    adopt(store, folder, record, [found.python, versionFile]);
    engines.removeOld(store, previous);
    return `yt-dlp ${ytdlp} is in use from now on; ${current.ytdlp} is kept for \`npm run engine:rollback\``;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * @param {typeof import('../../src/engine/index.ts')} engines
 * @param {string} store
 * @param {string} version
 * @param {string} why
 */
function reject(engines, store, version, why) {
  const state = engines.readState(store);
  const others = state.rejected.filter((one) => engines.compareVersions(one.version, version) !== 0);
  const rejected = [...others, { version, at: new Date().toISOString(), why }];
  engines.writeState(store, { ...state, rejected });
}

/**
 * With what yt-dlp itself asks for; and where an index does not have that (it asks for the certifi of the very week),
 * with what the one before was tested with.
 * @param {string} folder
 * @param {import('../setup/python.mjs').Python} python
 * @param {string} version one that is not released has to be asked for by name, lest its packages be so too
 */
async function install(folder, python, version) {
  const first = await installFromPypi(folder, [python], [`yt-dlp[default,curl-cffi]==${version}`]);
  if (typeof first !== 'string') return first;
  const list = `${folder}-requirements.txt`;
  try {
    const others = readFileSync(PINS, 'utf8').split('\n');
    const lines = [...others.filter((line) => !line.startsWith('yt-dlp==')), `yt-dlp==${version}`];
    writeFileSync(list, `${lines.join('\n')}\n`);
    const second = await installFromPypi(folder, [python], ['--no-deps', '-r', list]);
    return typeof second === 'string' ? `${first}; with the tested packages: ${second}` : second;
  } finally {
    rmSync(list, { force: true });
  }
}
