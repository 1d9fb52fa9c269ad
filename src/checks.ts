import type { Logger } from 'pino';
import type { Closers } from './closers.ts';
import { type Config, ConfigError } from './config.ts';
import { type EngineDirs, EngineWatcher, scheduleUpdates } from './engine/index.ts';
import type { Extractor } from './extraction/index.ts';
import { Canary, type CanaryOptions, type ExtractionStats, LocalChecks } from './health/index.ts';
import type { PostLink } from './posts/url.ts';

export interface CheckParts {
  config: Config;
  projectRoot: string;
  log: Logger;
  closers: Closers;
  dirs: EngineDirs;
  extractor: Pick<Extractor, 'probeFallbacks' | 'status' | 'switchTo' | 'onRejection'>;
  stats: ExtractionStats;
  /** For the canary. */
  extract: Extractor['extract'];
  /** Whether a new engine on the disk is switched to. */
  watchesEngines: boolean;
}

/** What looks after the service while it runs; /health reports it. */
export async function startChecks(parts: CheckParts) {
  const { config, projectRoot, log, closers, dirs, extractor, stats, extract, watchesEngines } = parts;
  const engines = new EngineWatcher({ dirs, user: extractor, log });
  if (watchesEngines) engines.start();
  closers.add('engine watcher', () => engines.stop());
  const { canaryUrl, engineUpdateCron, cookiesPath } = config.extraction;
  if (engineUpdateCron !== null) {
    const updates = scheduleUpdates(engineUpdateCron, projectRoot, dirs.store, log);
    closers.add('engine updates', () => updates.stop());
  }
  const visit = async (link: PostLink) => {
    await extract(link, { client: 'canary' });
    await extractor.probeFallbacks(link);
  };
  const canary = canaryUrl === null ? null : startCanary({ url: canaryUrl, extract: visit, stats, log });
  closers.add('canary', () => canary?.stop());
  const cookies = { path: cookiesPath, engine: () => extractor.status.engine, log };
  const localChecks = new LocalChecks({ tempDir: config.temp.dir, cookies });
  await localChecks.start();
  closers.add('local checks', () => localChecks.stop());
  return { engines, canary, localChecks };
}

/**
 * The canary uses the queue as the client `canary` and is not rate-limited.
 * @throws ConfigError
 */
function startCanary(options: CanaryOptions): Canary {
  try {
    const canary = new Canary(options);
    canary.start();
    return canary;
  } catch {
    throw new ConfigError('CANARY_URL must be a link to a TikTok or Douyin post');
  }
}
