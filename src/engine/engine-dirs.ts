import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { type Engine, locateEngine, readEngine } from './engine.ts';
import { readState } from './state.ts';
import { currentName, storeOf } from './store.mjs';
import { compareVersions, hasVersion } from './versions.mjs';

/** Where this service's engines are. */
export interface EngineDirs {
  /** The folder that updates go to. */
  store: string;
  /** The project's own engine, where updates go elsewhere; updates neither change nor remove it. */
  base: Engine | null;
}

/**
 * @param engineDir ENGINE_DIR: a folder for updates outside the project's `.engine`, such as a container's volume;
 *   null where `.engine` itself takes them
 */
export function engineDirs(projectRoot: string, engineDir: string | null): EngineDirs {
  const own = storeOf(projectRoot);
  if (engineDir === null || engineDir === own) return { store: own, base: null };
  return { store: engineDir, base: orNull(() => locateEngine(projectRoot)) };
}

/**
 * The usable engines, best first. An update ranks above the base engine only while it is newer: a new image brings the
 * engine that it was tested with.
 */
export function candidateEngines({ store, base }: EngineDirs): Engine[] {
  const { previous, rejected } = readState(store);
  const names = new Set([currentName(store), previous]);
  const updates = [...names].flatMap((name) => {
    const engine = name === null ? null : orNull(() => readEngine(realpathSync(join(store, name))));
    return engine ? [engine] : [];
  });
  if (!base) return updates;
  const ranksAbove = ({ ytdlp }: Engine) =>
    hasVersion(base.ytdlp, rejected) || compareVersions(ytdlp, base.ytdlp) > 0;
  return [...updates.filter(ranksAbove), base, ...updates.filter((engine) => !ranksAbove(engine))];
}

/**
 * The engine that new work goes to.
 * @throws when there is none, with the command that installs one
 */
export function activeEngine(dirs: EngineDirs): Engine {
  const [best] = candidateEngines(dirs);
  if (!best)
    throw new Error('The yt-dlp engine is not installed: run `npm start`, or `node scripts/setup.mjs`.');
  return best;
}

function orNull(read: () => Engine): Engine | null {
  try {
    return read();
  } catch {
    return null;
  }
}
