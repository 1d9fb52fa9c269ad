import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { Zips } from './archive/index.ts';
import { Sounds } from './audio/index.ts';
import { Posts, RedisStore, sharedTtwids } from './cache/index.ts';
import { MediaClient } from './cdn/index.ts';
import { Closers } from './closers.ts';
import { type Config, ConfigError } from './config.ts';
import { configWarnings } from './config-warnings.ts';
import { EgressPool, openVpn } from './egress/index.ts';
import { EngineWatcher, engineDirs, scheduleUpdates, startWithFallback } from './engine/index.ts';
import { type ExtractionObservers, Extractor } from './extraction/index.ts';
import { locateFfmpeg } from './ffmpeg/index.ts';
import { FileLocator } from './files/index.ts';
import { Canary, ExtractionStats, Health, LocalChecks } from './health/index.ts';
import { shutDownOnSignals } from './http/graceful-shutdown.ts';
import { createManagementServer } from './http/management-server.ts';
import { RateCounter } from './http/rate-counter.ts';
import { createServer } from './http/server.ts';
import { LIMITS, type Limits } from './limits.ts';
import { Links, loadOrCreateKey, TokenSealer } from './links/index.ts';
import { listen } from './listen.ts';
import { FileNames } from './media/index.ts';
import { Metrics } from './metrics/index.ts';
import { openOperator } from './operator.ts';
import { Pictures } from './pictures/index.ts';
import type { PostLink } from './posts/url.ts';
import { KEPT_SLIDESHOWS, openRenderSlots, RenderCache } from './renders/index.ts';
import type { Secret } from './secret.ts';
import type { Services } from './services.ts';
import { SlideshowRenderer, Slideshows } from './slideshow/index.ts';
import { startCleaner, TempStore } from './temp/index.ts';

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
  const posts = new Posts({ source: extractor, ttlMs: config.cache.ttlMs, shared });
  const ffmpeg = locateFfmpeg(projectRoot);
  const { renders, ...files } = buildFiles(building, { temp, posts, egresses, ffmpeg, extraCa, metrics });
  const checks = await startChecks(building, extraction);
  const health = new Health({
    version,
    extractor,
    stats,
    egresses,
    vpn: vpn?.watch ?? null,
    posts,
    shared,
    ffmpeg,
    watched,
    ...checks,
  });
  const stores = { slideshow: renders, sound: files.sounds, picture: files.pictures };
  const { media } = files;
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
    names,
    ...files,
    health,
    metrics,
  };
  const networkGone = vpn?.watch.gone ?? new Promise<never>(() => {});
  return { services, engine: () => extractor.status, networkGone };
}

type Extraction = Awaited<ReturnType<typeof startExtraction>>;

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

interface FileParts {
  temp: TempStore;
  posts: Posts;
  egresses: EgressPool;
  ffmpeg: string | null;
  /** PEM certificates that are trusted besides the system's. */
  extraCa: string[];
  metrics: Metrics;
}

function buildFiles({ config, log, closers }: Building, parts: FileParts) {
  const { temp, posts, egresses, ffmpeg, extraCa, metrics } = parts;
  const { observers } = metrics;
  const files = new FileLocator(posts);
  const media = new MediaClient({
    egresses: new Map(egresses.all.map(({ id, proxy }) => [id, proxy?.reveal() ?? null])),
    extraCa,
    stallTimeoutMs: config.relay.stallTimeoutMs,
    maxBytes: config.rules.maxFileBytes,
    onStatus: (seen) => egresses.sawMedia(seen, () => media.checkEgress(seen.egress)),
  });
  closers.add('media client', () => media.close());
  const making = {
    renders: openRenderSlots({ maxRenders: config.renders.max, maxWorkers: config.extraction.maxWorkers }),
    limitClients: config.limits.downloadsAtOnce !== null,
  };
  const renders = new RenderCache({
    temp,
    kind: 'slideshow',
    ...KEPT_SLIDESHOWS,
    ...making,
    onMade: observers.renderRecorder('slideshow'),
  });
  closers.add('slideshows', () => renders.close());
  const sounds = new Sounds({
    media,
    temp,
    ffmpegPath: ffmpeg,
    log,
    ...making,
    onMade: observers.renderRecorder('sound'),
  });
  closers.add('sounds', () => sounds.close());
  const { limitClients } = making;
  const pictures = new Pictures({
    media,
    temp,
    log,
    limitClients,
    onMade: observers.renderRecorder('picture'),
  });
  closers.add('pictures', () => pictures.close());
  const zips = new Zips({ media, temp });
  const slideshows = new Slideshows({
    files,
    media,
    cache: renders,
    renderer: new SlideshowRenderer({ ffmpegPath: ffmpeg, log }),
    slideSeconds: config.slideshow.slideSeconds,
  });
  const cleaner = startCleaner({
    cron: config.temp.cleanupCron,
    sweepers: [renders, sounds, pictures, temp],
    log,
  });
  closers.add('cleaner', () => cleaner.stop());
  return { files, media, renders, sounds, pictures, zips, slideshows };
}

/** What looks after the service while it runs; /health reports it. */
async function startChecks(
  { config, projectRoot, log, overrides, closers }: Building,
  { dirs, extractor, stats }: Extraction,
) {
  const engines = new EngineWatcher({ dirs, user: extractor, log });
  if (!overrides.extractor) engines.start();
  closers.add('engine watcher', () => engines.stop());
  const { canaryUrl, engineUpdateCron, cookiesPath } = config.extraction;
  if (engineUpdateCron !== null) {
    const updates = scheduleUpdates(engineUpdateCron, projectRoot, dirs.store, log);
    closers.add('engine updates', () => updates.stop());
  }
  const canary = canaryUrl === null ? null : startCanary(canaryUrl, extractor, stats, log);
  closers.add('canary', () => canary?.stop());
  const cookies = { path: cookiesPath, engine: () => extractor.status.engine, log };
  const localChecks = new LocalChecks({ tempDir: config.temp.dir, cookies });
  await localChecks.start();
  closers.add('local checks', () => localChecks.stop());
  return { engines, canary, localChecks };
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

/**
 * The canary uses the queue as the client `canary` and is not rate-limited.
 * @throws ConfigError
 */
function startCanary(url: string, extractor: PostExtractor, stats: ExtractionStats, log: Logger): Canary {
  const extract = async (link: PostLink) => {
    await extractor.extract(link, { client: 'canary' });
    await extractor.probeFallbacks(link);
  };
  try {
    const canary = new Canary({ url, extract, stats, log });
    canary.start();
    return canary;
  } catch {
    throw new ConfigError('CANARY_URL must be a link to a TikTok or Douyin post');
  }
}

function createTokenSealer({ secrets }: Config, projectRoot: string): TokenSealer {
  const key: Secret = secrets.encryptionKey ?? loadOrCreateKey(join(projectRoot, '.encryption-key'));
  return new TokenSealer(
    key.reveal(),
    secrets.previousKeys.map((previous) => previous.reveal()),
  );
}

/** Start of links where no request says better. */
function linkStart({ server }: Config): string {
  return server.baseUrl ?? `http://localhost:${server.port}`;
}

function readVersion(projectRoot: string): string {
  return (JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { version: string }).version;
}
