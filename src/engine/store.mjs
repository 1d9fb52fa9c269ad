// @ts-check
/**
 * The folder format of the engines, for the service and for set-up, which runs before the build: plain JavaScript.
 *
 * `<version>-<source>/` holds one engine each, and the link `current` points to the one in use. A new engine is made
 * beside it under a temporary name, verified, renamed into place, and switched to by one rename.
 */
import {
  accessSync,
  constants,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { basename, join } from 'node:path';

/**
 * @typedef {object} EngineRecord engine.json; paths inside its folder are relative to it
 * @property {string} python
 * @property {string[]} sysPath
 * @property {string} ytdlp
 * @property {string | null} curlCffi
 * @property {boolean} impersonation
 * @property {string} source
 */

/**
 * The project's own store.
 * @param {string} root the folder that holds package.json
 */
export const storeOf = (root) => join(root, '.engine');

/**
 * @param {string} store
 * @returns {string | null} name of the folder that `current` points to
 */
export function currentName(store) {
  try {
    return basename(readlinkSync(join(store, 'current')));
  } catch {
    return null;
  }
}

/**
 * Points `current` to an engine with one rename: a reader finds either the old engine or the new one.
 * @param {string} store
 * @param {string} name
 */
export function linkCurrent(store, name) {
  const current = join(store, 'current');
  const link = join(store, `.link-${process.pid}`);
  rmSync(link, { force: true });
  symlinkSync(name, link);
  // A rename replaces a link, but not a folder.
  if (lstatSync(current, { throwIfNoEntry: false })?.isDirectory()) rmSync(current, { recursive: true });
  renameSync(link, current);
}

/**
 * Removes the link, which makes the project's own engine the active one; see EngineDirs.
 * @param {string} store
 */
export function unlinkCurrent(store) {
  rmSync(join(store, 'current'), { force: true });
}

/**
 * @param {string} dir an engine's folder
 * @returns {EngineRecord}
 * @throws when engine.json is missing or damaged
 */
export function readRecord(dir) {
  return JSON.parse(readFileSync(join(dir, 'engine.json'), 'utf8'));
}

/**
 * Removes all engines but the current and the previous one.
 * @param {string} store
 * @param {string | null} previous
 * @returns {string[]} names of the removed folders
 */
export function removeOld(store, previous) {
  const kept = new Set([currentName(store), previous]);
  const old = readdirSync(store).filter(
    (name) => !name.startsWith('.') && !kept.has(name) && lstatSync(join(store, name)).isDirectory(),
  );
  for (const name of old) rmSync(join(store, name), { recursive: true, force: true });
  return old;
}

/**
 * Creates the folder where it is missing.
 * @param {string} store
 * @returns {string | null} why updates cannot be written there; null where they can
 */
export function writeProblem(store) {
  try {
    mkdirSync(store, { recursive: true });
    accessSync(store, constants.W_OK);
    return null;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : error;
    return `${store} cannot be written to (${code})`;
  }
}
