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
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';

/**
 * @typedef {object} EngineRecord engine.json; paths inside its folder are relative to it
 * @property {string} python
 * @property {string[]} sysPath
 * @property {string} ytdlp
 * @property {string | null} curlCffi
 * @property {boolean} impersonation
 * @property {string} source
 * @property {string} pins hash of the pinned versions at the time this engine was chosen
 * @property {Watched[]} watched
 *
 * @typedef {object} Watched a file outside the project's control; the engine is verified again when it changes
 * @property {string} path
 * @property {number} size
 * @property {number} mtimeMs
 */

/**
 * The project's own store.
 * @param {string} root the folder that holds package.json
 */
export const storeOf = (root) => join(root, '.engine');

/**
 * @param {string} store
 * @returns {{ dir: string, record: EngineRecord } | null} null when there is none, or only a damaged one
 */
export function currentEngine(store) {
  try {
    const dir = realpathSync(join(store, 'current'));
    return { dir, record: readRecord(dir) };
  } catch {
    return null;
  }
}

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
 * @param {string} folder
 * @param {Omit<EngineRecord, 'watched'>} record with absolute paths
 * @param {readonly string[]} watch absolute paths
 */
export function writeRecord(folder, record, watch) {
  /** @param {string} path */
  const portable = (path) => {
    const inside = relative(folder, path);
    return inside.startsWith('..') ? path : inside;
  };
  /** @type {EngineRecord} */
  const whole = {
    ...record,
    python: portable(record.python),
    sysPath: record.sysPath.map(portable),
    watched: watch.map((path) => ({ path: portable(path), ...statOf(path) })),
  };
  const draft = join(folder, `.engine.json.${process.pid}`);
  writeFileSync(draft, `${JSON.stringify(whole, null, 2)}\n`);
  renameSync(draft, join(folder, 'engine.json'));
}

/**
 * Whether the engine's Python and yt-dlp are the files that were last verified; a system upgrade may replace them.
 * @param {string} dir
 * @param {EngineRecord} record
 */
export function isUntouched(dir, record) {
  return (
    existsSync(resolve(dir, record.python)) &&
    (record.watched ?? []).length > 0 &&
    record.watched.every(({ path, size, mtimeMs }) => {
      const now = statOf(resolve(dir, path));
      return now.size === size && now.mtimeMs === mtimeMs;
    })
  );
}

/** @param {string} path followed through links */
function statOf(path) {
  const stats = statSync(path, { throwIfNoEntry: false });
  return { size: stats?.size ?? -1, mtimeMs: Math.trunc(stats?.mtimeMs ?? -1) };
}

/**
 * Makes a folder to build an engine in, and removes what interrupted set-ups and updates left.
 * @param {string} store
 */
export function newFolder(store) {
  mkdirSync(store, { recursive: true });
  for (const name of readdirSync(store)) {
    const pid = /^\.(?:new|look|link)-(\d+)/.exec(name)?.[1];
    if (pid && !isOtherProcess(Number(pid))) rmSync(join(store, name), { recursive: true, force: true });
  }
  const folder = join(store, `.new-${process.pid}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  return folder;
}

/** @param {number} pid */
function isOtherProcess(pid) {
  try {
    return pid !== process.pid && process.kill(pid, 0);
  } catch {
    return false;
  }
}

/**
 * Moves a finished folder into place and makes it the current engine.
 * @param {string} store
 * @param {string} folder from newFolder
 * @param {Omit<EngineRecord, 'watched'>} record with absolute paths
 * @param {readonly string[]} watch absolute paths
 */
export function adopt(store, folder, record, watch) {
  writeRecord(folder, record, watch);
  const name = `${record.ytdlp}-${record.source}`;
  const place = join(store, name);
  if (existsSync(place)) {
    // Moved aside first, so that the name is free for as short a time as possible.
    const aside = join(store, `.new-${process.pid}-old`);
    renameSync(place, aside);
    renameSync(folder, place);
    rmSync(aside, { recursive: true, force: true });
  } else {
    renameSync(folder, place);
  }
  linkCurrent(store, name);
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
