import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { type Engine, locateEngine, readEngine } from './engine.ts';
import { readState } from './state.ts';
import { currentName, engineStore } from './store.ts';
import { compareVersions, hasVersion } from './versions.ts';

/** Where this service's engines are. */
export interface EngineDirs {
  /** The folder that updates go to. */
  store: string;
  /** The project's own engine, where updates go elsewhere: nothing here changes or removes it. */
  base: Engine | null;
}

/**
 * @param engineDir ENGINE_DIR: a folder for updates beside the project's `.engine`, such as a container's volume; null
 *   where `.engine` takes them itself
 */
export function engineDirs(projectRoot: string, engineDir: string | null): EngineDirs {
  const own = engineStore(projectRoot);
  if (engineDir === null || engineDir === own) return { store: own, base: null };
  return { store: engineDir, base: found(() => locateEngine(projectRoot)) };
}

/**
 * The engines to work with, best first. An update goes before the project's own engine only while it is newer: a new
 * image brings what it was tested with.
 */
export function candidateEngines({ store, base }: EngineDirs): Engine[] {
  const { previous, rejected } = readState(store);
  const names = new Set([currentName(store), previous]);
  const updates = [...names].flatMap((name) => {
    // A link leads to the real folder: a running service keeps what it started with.
    const engine = name === null ? null : found(() => readEngine(realpathSync(join(store, name))));
    return engine ? [engine] : [];
  });
  if (!base) return updates;
  const goesFirst = ({ ytdlp }: Engine) =>
    hasVersion(base.ytdlp, rejected) || compareVersions(ytdlp, base.ytdlp) > 0;
  return [...updates.filter(goesFirst), base, ...updates.filter((engine) => !goesFirst(engine))];
}

/**
 * The engine that new work goes to.
 * @throws when there is none, saying what to do
 */
export function activeEngine(home: EngineDirs): Engine {
  const [best] = candidateEngines(home);
  if (!best)
    throw new Error('The yt-dlp engine is not installed: run `npm start`, or `node scripts/setup.mjs`.');
  return best;
}

function found(look: () => Engine): Engine | null {
  try {
    return look();
  } catch {
    return null;
  }
}
