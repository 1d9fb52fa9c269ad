import { readFileSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** A yt-dlp and the Python that imports it, as scripts/setup/engine.mjs found and tried them. */
export interface Engine {
  /** Absolute path of the interpreter. */
  python: string;
  /** Absolute; to come before Python's own places. */
  sysPath: string[];
  /** yt-dlp's version. */
  ytdlp: string;
  curlCffi: string | null;
  /** Whether it can ask for pages with a browser's fingerprint. */
  impersonation: boolean;
  /** The way it came: `pypi-pinned`, `machine`, `debian`, … */
  source: string;
  /** Its folder: the real one, so that a running service keeps what it started with when an update switches. */
  dir: string;
}

/**
 * The engine in use, out of `.engine/current/engine.json`.
 * @param projectRoot the folder that holds package.json
 * @throws when there is none, saying what to do
 */
export function locateEngine(projectRoot: string): Engine {
  try {
    return readEngine(realpathSync(join(projectRoot, '.engine/current')));
  } catch (cause) {
    const message = 'The yt-dlp engine is not installed: run `npm start`, or `node scripts/setup.mjs`.';
    throw new Error(message, { cause });
  }
}

/**
 * The engine in a folder.
 * @param dir absolute and real
 * @throws where there is no engine.json
 */
export function readEngine(dir: string): Engine {
  const record = JSON.parse(readFileSync(join(dir, 'engine.json'), 'utf8')) as Omit<Engine, 'dir'>;
  return {
    // Not followed further: a virtual environment knows itself by the path of its python.
    python: resolve(dir, record.python),
    sysPath: record.sysPath.map((path) => resolve(dir, path)),
    ytdlp: record.ytdlp,
    curlCffi: record.curlCffi,
    impersonation: record.impersonation,
    source: record.source,
    dir,
  };
}
