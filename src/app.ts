import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { Zips } from './archive/index.ts';
import { Mp3s } from './audio/index.ts';
import { Posts, RedisStore } from './cache/index.ts';
import { MediaClient } from './cdn/index.ts';
import { type Config, ConfigError } from './config.ts';
import { EgressPool, openVpn } from './egress/index.ts';
import { EngineWatcher, engineDirs, scheduleUpdates, startWithFallback } from './engine/index.ts';
import { Extractor } from './extraction/index.ts';
import { locateFfmpeg } from './ffmpeg/index.ts';
import { FileLocator } from './files/index.ts';
import { Canary, ExtractionStats, Health, LocalChecks } from './health/index.ts';
import { IdleSockets } from './http/idle-sockets.ts';
import { abortAll } from './http/request-context.ts';
import { createServer } from './http/server.ts';
import { Links, loadOrCreateKey, TokenSealer } from './links/index.ts';
import { Metrics } from './metrics/index.ts';
import type { PostLink } from './posts/url.ts';
import { RenderCache } from './renders/index.ts';
import type { Secret } from './secret.ts';
import { SlideshowRenderer, Slideshows } from './slideshow/index.ts';
import { startCleaner, TempStore } from './temp/index.ts';

/** A film of six photos has some 3 MB and takes about a second and a half on one processor. */
const SLIDESHOW_CACHE = {
  maxRenders: availableParallelism(),
  maxQueue: 50,
  maxAgeMs: 30 * 60_000,
  maxBytes: 1024 * 1024 * 1024,
};

export interface App {
  server: FastifyInstance;
  health: Health;
  /** Closes the connections on which nothing is under way. */
  closeIdle(): void;
  /** Stops waiting for what is under way: requests are answered `busy`, files broken off. */
  abortAll(): void;
  /** Ends everything behind the routes, in reverse order. Call it when the server is closed. */
  close(): Promise<void>;
}

/** Builds the service: what it is made of, in the order in which the parts need each other. */
export async function buildApp(config: Config, projectRoot: string, log: Logger): Promise<App> {
  const version = readVersion(projectRoot);
  const temp = new TempStore({ dir: config.temp.dir, log });
  await temp.open().catch(({ message }: Error) => {
    throw new ConfigError(`TEMP_DIR must be a folder that can be written to: ${message}`);
  });
  const links = new Links(createTokenSealer(config, projectRoot), config.server.baseUrl, config.links.ttlMs);
  const vpn = openVpn(config.egress.gluetunUrl, config.secrets.gluetunApiKey, log);
  const egresses = new EgressPool({ proxies: config.egress.proxies, vpn, log });
  const stats = new ExtractionStats();
  const metrics = new Metrics();
  const { observers } = metrics;
  const ffmpeg = locateFfmpeg(projectRoot);
  const { path: runDir } = await temp.createJob('host');
  const home = engineDirs(projectRoot, config.extraction.engineDir);
  const extractor = await startWithFallback(
    home,
    (engine) => Extractor.start({ engine, runDir, egresses, stats, observers, config, log }),
    log,
  );
  const { redisUrl } = config.secrets;
  const shared = redisUrl ? await RedisStore.open(redisUrl.reveal(), log) : null;
  const posts = new Posts({
    source: extractor,
    ttlMs: config.cache.ttlMs,
    shared,
  });
  const files = new FileLocator(posts);
  const media = new MediaClient({
    egresses: new Map(egresses.all.map(({ id, proxy }) => [id, proxy?.reveal() ?? null])),
    extraCa: config.egress.extraCaFile ? [readFileSync(config.egress.extraCaFile, 'utf8')] : [],
    stallTimeoutMs: config.relay.stallTimeoutMs,
    onStatus: (egress, post, status) => egresses.sawMedia(egress, post, status),
  });
  const films = new RenderCache({
    temp,
    kind: 'slideshow',
    ...SLIDESHOW_CACHE,
    onMade: observers.renderRecorder('slideshow'),
  });
  const mp3s = new Mp3s({
    media,
    temp,
    ffmpegPath: ffmpeg,
    log,
    maxConversions: availableParallelism(),
    onMade: observers.renderRecorder('mp3'),
  });
  const zips = new Zips({ media, temp });
  const slideshows = new Slideshows({
    files,
    media,
    store: films,
    renderer: new SlideshowRenderer({ ffmpegPath: ffmpeg, log }),
    slideSeconds: config.slideshow.slideSeconds,
  });
  const cleaner = startCleaner({ cron: config.temp.cleanupCron, sweepers: [films, mp3s, temp], log });
  const engines = new EngineWatcher({ home, user: extractor, log });
  engines.start();
  const { canaryUrl, engineUpdateCron, cookiesPath } = config.extraction;
  const updates =
    engineUpdateCron === null ? null : scheduleUpdates(engineUpdateCron, projectRoot, home.store, log);
  const canary = canaryUrl === null ? null : startCanary(canaryUrl, extractor, stats, log);
  const localChecks = new LocalChecks({ tempDir: config.temp.dir, cookiesPath });
  await localChecks.start();
  const health = new Health({
    version,
    extractor,
    stats,
    egresses,
    posts,
    shared,
    ffmpeg,
    engines,
    canary,
    localChecks,
  });
  const stores = { slideshow: films, mp3: mp3s };
  metrics.watch({ extractor, posts, shared, egresses, media, stores, health, engines });
  const server = await createServer({
    config,
    version,
    log,
    links,
    posts,
    shared,
    egresses,
    files,
    media,
    mp3s,
    zips,
    slideshows,
    health,
    metrics,
  });
  const unused = new IdleSockets(server.server);
  return {
    server,
    health,
    closeIdle() {
      server.server.closeIdleConnections();
      unused.close();
    },
    abortAll: () => abortAll(server),
    async close() {
      cleaner.stop();
      canary?.stop();
      updates?.stop();
      engines.stop();
      localChecks.stop();
      await films.close();
      await mp3s.close();
      await media.close();
      shared?.close();
      await extractor.close();
      await temp.close();
    },
  };
}

/**
 * The canary takes a place in the queue like a visitor of its own, and none in their limits.
 * @throws ConfigError
 */
function startCanary(url: string, extractor: Extractor, stats: ExtractionStats, log: Logger): Canary {
  const extract = (link: PostLink) => extractor.extract(link, { client: 'canary' });
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

function readVersion(projectRoot: string): string {
  return (JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { version: string }).version;
}
