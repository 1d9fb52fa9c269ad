// @ts-check
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { activate } from './shared.mjs';

/**
 * A store holds one engine in each folder `<version>-<source>/`; the link `current` points to the active one. A new engine
 * is made in a temporary folder, tried, renamed into place and activated by one rename, so an interruption leaves no half
 * engine.
 *
 * @typedef {object} EngineRecord engine.json; paths inside the engine's folder are relative to it
 * @property {string} python
 * @property {string[]} sysPath
 * @property {string} ytdlp
 * @property {string | null} curlCffi
 * @property {boolean} impersonation
 * @property {string} source
 * @property {string} pins hash of engine-requirements.txt when this engine was chosen
 * @property {Watched[]} watched
 *
 * @typedef {object} Watched a file that others may replace; while it is unchanged, the engine is not tried again
 * @property {string} path
 * @property {number} size
 * @property {number} mtimeMs
 */

/**
 * @param {string} store
 * @returns {{ dir: string, record: EngineRecord } | null} null when there is none that can be read
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
 * @param {string} dir an engine's folder
 * @returns {EngineRecord}
 */
export function readRecord(dir) {
  return JSON.parse(readFileSync(join(dir, 'engine.json'), 'utf8'));
}

/**
 * Makes a temporary folder for a new engine, and removes those of processes that have ended.
 * @param {string} store
 */
export function newFolder(store) {
  mkdirSync(store, { recursive: true });
  for (const name of readdirSync(store)) {
    const pid = /^\.(?:new|look|link)-(\d+)/.exec(name)?.[1];
    if (pid && !isAlive(Number(pid))) rmSync(join(store, name), { recursive: true, force: true });
  }
  const folder = join(store, `.new-${process.pid}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  return folder;
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    return pid !== process.pid && process.kill(pid, 0);
  } catch {
    return false;
  }
}

/**
 * Moves a finished folder into its place and activates it.
 * @param {string} store
 * @param {string} folder from newFolder
 * @param {Omit<EngineRecord, 'watched'>} record with absolute paths
 * @param {readonly string[]} watch absolute paths
 */
export function adopt(store, folder, record, watch) {
  writeRecord(folder, record, watch);
  const name = `${record.ytdlp}-${record.source}`;
  const place = join(store, name);
  const old = join(store, `.new-${process.pid}-old`);
  if (existsSync(place)) renameSync(place, old);
  renameSync(folder, place);
  rmSync(old, { recursive: true, force: true });
  activate(store, name);
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
  const portableRecord = {
    ...record,
    python: portable(record.python),
    sysPath: record.sysPath.map(portable),
    watched: watch.map((path) => ({ path: portable(path), ...shapeOf(path) })),
  };
  const temporary = join(folder, `.engine.json.${process.pid}`);
  writeFileSync(temporary, `${JSON.stringify(portableRecord, null, 2)}\n`);
  renameSync(temporary, join(folder, 'engine.json'));
}

/**
 * Whether the engine's Python and yt-dlp are the files that were tried.
 * @param {string} dir
 * @param {EngineRecord} record
 */
export function isUntouched(dir, record) {
  return (
    existsSync(resolve(dir, record.python)) &&
    (record.watched ?? []).length > 0 &&
    record.watched.every(({ path, size, mtimeMs }) => {
      const shape = shapeOf(resolve(dir, path));
      return shape.size === size && shape.mtimeMs === mtimeMs;
    })
  );
}

/** @param {string} path followed through links */
function shapeOf(path) {
  const stats = statSync(path, { throwIfNoEntry: false });
  return { size: stats?.size ?? -1, mtimeMs: Math.trunc(stats?.mtimeMs ?? -1) };
}
