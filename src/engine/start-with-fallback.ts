import type { Logger } from 'pino';
import type { Engine } from './engine.ts';
import { activeEngine, candidateEngines, type EngineDirs } from './engine-dirs.ts';
import { withEngineLock } from './lock.ts';
import { activate, type Rejected } from './rollback.ts';

/** Whoever updates just now has other worries than ours; the next start finds the same again. */
const LOCK_PATIENCE_MS = 1000;

/** What was started on an engine. */
interface Started {
  readonly status: { host: { impersonation: boolean } | null };
  close(): Promise<void>;
}

/**
 * Starts on the best engine that does start: an update that was good may not be so any more (its volume damaged, the
 * image's Python another). One that failed is remembered as rejected, but only once another has shown that it was to
 * blame.
 * @throws what the best one failed with, when all fail
 */
export async function startWithFallback<T extends Started>(
  home: EngineDirs,
  start: (engine: Engine) => Promise<T>,
  log: Logger,
): Promise<T> {
  // Throws where there is none.
  activeEngine(home);
  const failures: (Rejected & { error: unknown })[] = [];
  const choices = candidateEngines(home);
  for (const engine of choices) {
    try {
      const started = await startWhole(engine, start, engine === choices.at(-1));
      if (failures.length > 0) await remember(home, engine, failures, log);
      return started;
    } catch (error) {
      const why = `it did not start: ${error instanceof Error ? error.message : String(error)}`;
      log.error({ version: engine.ytdlp, dir: engine.dir, why }, 'an engine cannot be used');
      failures.push({ engine, why, error });
    }
  }
  throw failures[0]?.error;
}

async function startWhole<T extends Started>(
  engine: Engine,
  start: (engine: Engine) => Promise<T>,
  isLast: boolean,
): Promise<T> {
  const started = await start(engine);
  // curl_cffi is compiled for one Python: under another the host starts, and TikTok refuses it.
  if (!isLast && engine.impersonation && started.status.host?.impersonation === false) {
    await started.close();
    throw new Error('it cannot look like a browser any more');
  }
  return started;
}

async function remember(
  home: EngineDirs,
  engine: Engine,
  failures: readonly Rejected[],
  log: Logger,
): Promise<void> {
  try {
    await withEngineLock(home.store, LOCK_PATIENCE_MS, () => activate(home, engine, failures));
  } catch (err) {
    log.warn({ err }, 'what did not start will be tried again at the next start');
  }
}
