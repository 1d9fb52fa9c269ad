import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { Posts, RedisStore, sharedTtwids } from './cache/index.ts';
import { startChecks } from './checks.ts';
import { Closers } from './closers.ts';
import { type Config, ConfigError } from './config.ts';
import { configWarnings } from './config-warnings.ts';
import { EgressPool, openVpn } from './egress/index.ts';
import { engineDirs, startWithFallback } from './engine/index.ts';
import { type ExtractionObservers, Extractor } from './extraction/index.ts';
import { locateFfmpeg } from './ffmpeg/index.ts';
import { ExtractionStats, Health } from './health/index.ts';
import { shutDownOnSignals } from './http/graceful-shutdown.ts';
import { createManagementServer } from './http/management-server.ts';
import { RateCounter } from './http/rate-counter.ts';
import { createServer } from './http/server.ts';
import { LIMITS, type Limits } from './limits.ts';
import { Links, loadOrCreateKey, TokenSealer } from './links/index.ts';
import { listen } from './listen.ts';
import { openMakers } from './makers.ts';
import { FileNames } from './media/index.ts';
import { Metrics } from './metrics/index.ts';
import { openOperator } from './operator.ts';
import { openRelay } from './relay.ts';
import type { Secret } from './secret.ts';
import type { Services } from './services.ts';
import { TempStore } from './temp/index.ts';

/** What the service needs of Extractor. */
export type PostExtractor = Pick<
  Extractor,
  'extract' | 'probeFallbacks' | 'status' | 'switchTo' | 'onRejection' | 'close'
>;

/** Replaces parts of the service, for tests. */
export interface Overrides {
  /** Instead of yt-dlp; the engine folder is left alone then. */
  extractor?: PostExtractor;
  limits?: Limits;
}

export interface App {
  server: FastifyInstance;
  /** The listener of MANAGEMENT_PORT; null where there is none. */
  management: FastifyInstance | null;
  /** @throws ConfigError where an address cannot be used */
  listen(): Promise<void>;
  shutDownOnSignals(): void;
  /** Closes everything that buildApp built, in reverse order. @returns the names of what failed to close */
  close(): Promise<readonly string[]>;
}

/**
 * Builds the service, each part after those that it needs.
 * @throws ConfigError where only use shows that a setting is wrong; what was built by then is closed
 */
export async function buildApp(
  config: Config,
  projectRoot: string,
  log: Logger,
  overrides: Overrides = {},
): Promise<App> {
  const closers = new Closers(log);
  try {
    const { services, engine, networkGone } = await buildServices({
      config,
      projectRoot,
      log,
      overrides,
      closers,
    });
    const management = config.server.managementPort === null ? null : createManagementServer(services);
    if (management) closers.add('management server', () => management.close());
    const server = await createServer(services);
    closers.add('server', () => server.close());
    return {
      server,
      management,
      listen: () => listen({ server, management }, services, engine),
      shutDownOnSignals: () =>
        shutDownOnSignals({
          server,
          health: services.health,
          delayMs: config.server.shutdownDelayMs,
          graceMs: config.server.shutdownGraceMs,
          close: () => closers.closeAll(),
          networkGone,
        }),
      close: () => closers.closeAll(),
    };
  } catch (error) {
    await closers.closeAll();
    throw error;
  }
}

interface Building {
  config: Config;
  projectRoot: string;
  log: Logger;
  overrides: Overrides;
  closers: Closers;
}

async function buildServices(building: Building) {
  const { config, projectRoot, log, overrides, closers } = building;
  const version = readVersion(projectRoot);
  const temp = await openTemp(config, log);
  closers.add('temp', () => temp.close());
  const limits = overrides.limits ?? LIMITS;
  const names = new FileNames(config.files.nameTemplate);
  const sealer = createTokenSealer(config, projectRoot);
  const links = new Links(sealer, linkStart(config), config.links.ttlMs, names.needPost);
  const metrics = new Metrics();
  const extraCa = config.egress.extraCaFile ? [readFileSync(config.egress.extraCaFile, 'utf8')] : [];
  const { redisUrl } = config.secrets;
  const shared = redisUrl ? await RedisStore.open(redisUrl.reveal(), log, extraCa) : null;
  if (shared) closers.add('redis', () => shared.close());
  const extraction = await startExtraction(building, { temp, shared, observers: metrics.observers });
  const { extractor, egresses, vpn, stats } = extraction;
  const newCounter = (maxClients: number) => new RateCounter(shared, maxClients);
  const { rules, access, watched } = openOperator({ config, limits, log, closers, sealer, newCounter });
  const { media, fileStats, extract } = openRelay({
    ...{ config, log, closers, extractor, egresses, extraCa },
    onFile: metrics.observers.onFile,
    checksNames: !overrides.extractor,
  });
  const posts = new Posts({ source: { extract }, ttlMs: config.cache.ttlMs, shared });
  const ffmpeg = locateFfmpeg(projectRoot);
  const { observers } = metrics;
  const { renders, ...files } = openMakers({ config, log, closers, temp, posts, media, ffmpeg, observers });
  const checks = await startChecks({
    ...{ config, projectRoot, log, closers, ...extraction, extract },
    watchesEngines: !overrides.extractor,
  });
  const health = new Health({
    version,
    extractor,
    stats,
    egresses,
    media,
    files: fileStats,
    vpn: vpn?.watch ?? null,
    posts,
    shared,
    ffmpeg,
    watched,
    ...checks,
  });
  const stores = { slideshow: renders, sound: files.sounds, picture: files.pictures };
  const { engines } = checks;
  metrics.watch({ extractor, posts, shared, egresses, media, stores, health, engines, access });
  const services: Services = {
    config,
    limits,
    warnings: new Set(configWarnings(config)),
    version,
    log,
    links,
    posts,
    shared,
    egresses,
    rules,
    access,
    media,
    names,
    ...files,
    health,
    metrics,
  };
  const networkGone = vpn?.watch.gone ?? new Promise<never>(() => {});
  return { services, engine: () => extractor.status, networkGone };
}

async function startExtraction(
  { config, projectRoot, log, overrides, closers }: Building,
  { temp, shared, observers }: { temp: TempStore; shared: RedisStore | null; observers: ExtractionObservers },
) {
  const { proxies, gluetunUrl } = config.egress;
  const vpn = openVpn(gluetunUrl, config.secrets.gluetunApiKey, proxies, log);
  closers.add('vpn', () => vpn?.watch.stop());
  const egresses = new EgressPool({ proxies, vpn, log });
  const stats = new ExtractionStats();
  const dirs = engineDirs(projectRoot, config.extraction.engineDir);
  const start = async (): Promise<PostExtractor> => {
    const { path: runDir } = await temp.createJob('host');
    const ttwids = shared && sharedTtwids(shared);
    const options = { runDir, egresses, stats, observers, ttwids, config, log };
    return startWithFallback(dirs, (engine) => Extractor.start({ engine, ...options }), log);
  };
  const extractor = overrides.extractor ?? (await start());
  closers.add('extractor', () => extractor.close());
  return { egresses, vpn, stats, dirs, extractor };
}

/** Makes the folder step by step: on a pseudo file system, Node's recursive mkdir does not return. */
async function openTemp(config: Config, log: Logger): Promise<TempStore> {
  const { dir } = config.temp;
  const temp = new TempStore({ dir, log });
  try {
    await makeFolders(dir);
    await temp.open();
  } catch (error) {
    throw new ConfigError(`TEMP_DIR must be a folder that can be written to: ${(error as Error).message}`);
  }
  return temp;
}

async function makeFolders(dir: string): Promise<void> {
  try {
    await mkdir(dir, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || dirname(dir) === dir) throw error;
    await makeFolders(dirname(dir));
    await mkdir(dir, { mode: 0o700 });
  }
}

function createTokenSealer({ secrets }: Config, projectRoot: string): TokenSealer {
  const key: Secret = secrets.encryptionKey ?? keptKey(join(projectRoot, '.encryption-key'));
  return new TokenSealer(
    key.reveal(),
    secrets.previousKeys.map((previous) => previous.reveal()),
  );
}

/** @throws ConfigError */
function keptKey(path: string): Secret {
  try {
    return loadOrCreateKey(path);
  } catch (error) {
    throw new ConfigError(`ENCRYPTION_KEY must be set where none can be kept: ${(error as Error).message}`);
  }
}

/** Start of links where no request says better. */
function linkStart({ server }: Config): string {
  return server.baseUrl ?? `http://localhost:${server.port}`;
}

function readVersion(projectRoot: string): string {
  return (JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { version: string }).version;
}
