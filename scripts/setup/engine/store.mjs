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
 * `.engine/<version>-<source>/` holds one engine each, `.engine/current` points to the one in use: a new one is made
 * beside it under a passing name, tried, renamed into place and switched to by one rename. So neither an interrupted
 * set-up nor an update in a running service ever leaves half an engine.
 *
 * @typedef {object} EngineRecord engine.json; paths are relative to its folder where they lie within it
 * @property {string} python
 * @property {string[]} sysPath
 * @property {string} ytdlp
 * @property {string | null} curlCffi
 * @property {boolean} impersonation
 * @property {string} source
 * @property {string} pins hash of the pinned versions that were tried when this engine was chosen
 * @property {Watched[]} watched
 *
 * @typedef {object} Watched a file outside of our hands; while it is the same, the engine need not be tried again
 * @property {string} path
 * @property {number} size
 * @property {number} mtimeMs
 */

/**
 * @param {string} store
 * @returns {{ dir: string, record: EngineRecord } | null} null when there is none, or only a broken one
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
 * A folder to make an engine in. What an interrupted set-up or update left is removed.
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
 * Puts a finished folder in its place and makes it the current engine.
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
    // Aside first, for the new one has to be there at once; nobody uses a folder that a set-up found broken.
    const aside = join(store, `.new-${process.pid}-old`);
    renameSync(place, aside);
    renameSync(folder, place);
    rmSync(aside, { recursive: true, force: true });
  } else {
    renameSync(folder, place);
  }
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
  const whole = {
    ...record,
    python: portable(record.python),
    sysPath: record.sysPath.map(portable),
    watched: watch.map((path) => ({ path: portable(path), ...shapeOf(path) })),
  };
  const passing = join(folder, `.engine.json.${process.pid}`);
  writeFileSync(passing, `${JSON.stringify(whole, null, 2)}\n`);
  renameSync(passing, join(folder, 'engine.json'));
}

/**
 * Whether what the engine is made of is what it was when it was last tried: its Python (an upgrade of the system may
 * have replaced it) and its yt-dlp.
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
