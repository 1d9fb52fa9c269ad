import { realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readRecord, storeOf } from './store.mjs';

/** A yt-dlp and the Python that imports it, as set-up found and verified them. */
export interface Engine {
  /** Absolute path of the interpreter. */
  python: string;
  /** Absolute paths that go before Python's own. */
  sysPath: string[];
  /** Version of yt-dlp. */
  ytdlp: string;
  curlCffi: string | null;
  /** Whether it can request pages with a browser's fingerprint. */
  impersonation: boolean;
  /** How it was installed: `pypi-pinned`, `machine`, `update`, … */
  source: string;
  /** Its real folder, not the link `current`: a running service keeps what it started with. */
  dir: string;
}

/**
 * The engine that `.engine/current` points to.
 * @param projectRoot the folder that holds package.json
 * @throws when there is none, with the command that installs one
 */
export function locateEngine(projectRoot: string): Engine {
  try {
    return readEngine(realpathSync(join(storeOf(projectRoot), 'current')));
  } catch (cause) {
    const message = 'The yt-dlp engine is not installed: run `npm start`, or `node scripts/setup.mjs`.';
    throw new Error(message, { cause });
  }
}

/**
 * @param dir absolute and real
 * @throws when engine.json is missing or damaged
 */
export function readEngine(dir: string): Engine {
  const { python, sysPath, ytdlp, curlCffi, impersonation, source } = readRecord(dir);
  return {
    // Links are not followed here: a virtual environment is recognised by the path of its python.
    python: resolve(dir, python),
    sysPath: sysPath.map((path) => resolve(dir, path)),
    ytdlp,
    curlCffi,
    impersonation,
    source,
    dir,
  };
}
