import type { Logger } from 'pino';
import type { Engine } from './engine.ts';
import { activeEngine, candidateEngines, type EngineDirs } from './engine-dirs.ts';
import { withEngineLock } from './lock.ts';
import { activate, type RejectedEngine } from './rollback.ts';

/** Short: an update may hold the lock for minutes, and the next start repeats what is skipped here. */
const LOCK_PATIENCE_MS = 1000;

/** What `start` returns. */
interface Started {
  readonly status: { host: { impersonation: boolean } | null };
  close(): Promise<void>;
}

/**
 * Starts on the best engine that starts: an installed update may have become unusable (a damaged volume, another Python
 * in the image). A failed engine is recorded as rejected only when another one has started.
 * @throws the best engine's error, when all fail
 */
export async function startWithFallback<T extends Started>(
  dirs: EngineDirs,
  start: (engine: Engine) => Promise<T>,
  log: Logger,
): Promise<T> {
  // Throws where there is none.
  activeEngine(dirs);
  const failures: (RejectedEngine & { error: unknown })[] = [];
  const candidates = candidateEngines(dirs);
  for (const engine of candidates) {
    try {
      const started = await startChecked(engine, start, engine === candidates.at(-1));
      if (failures.length > 0) await recordFailures(dirs, engine, failures, log);
      return started;
    } catch (error) {
      const why = `it did not start: ${error instanceof Error ? error.message : String(error)}`;
      log.warn({ version: engine.ytdlp, dir: engine.dir, why }, 'engine unusable');
      failures.push({ engine, why, error });
    }
  }
  throw failures[0]?.error;
}

async function startChecked<T extends Started>(
  engine: Engine,
  start: (engine: Engine) => Promise<T>,
  isLast: boolean,
): Promise<T> {
  const started = await start(engine);
  // curl_cffi is compiled for one Python version: under another one the host starts without impersonation.
  if (!isLast && engine.impersonation && started.status.host?.impersonation === false) {
    await started.close();
    throw new Error('browser impersonation no longer works');
  }
  return started;
}

async function recordFailures(
  dirs: EngineDirs,
  engine: Engine,
  failures: readonly RejectedEngine[],
  log: Logger,
): Promise<void> {
  try {
    await withEngineLock(dirs.store, LOCK_PATIENCE_MS, () => activate(dirs, engine, failures));
  } catch (err) {
    log.warn({ err }, 'rejected engines not recorded: the next start tries them again');
  }
}
