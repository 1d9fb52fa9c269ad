import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { MemoryCache, Posts } from './cache/index.ts';
import { MediaClient } from './cdn/index.ts';
import type { Config } from './config.ts';
import { Egresses } from './egress/index.ts';
import { Extractor, locateEngine } from './extraction/index.ts';
import { locateFfmpeg } from './ffmpeg.ts';
import { FileLocator } from './files/index.ts';
import { Health, Outcomes } from './health/index.ts';
import { createServer } from './http/server.ts';
import { keptKey, Links, TokenBox } from './links/index.ts';
import type { Secret } from './secret.ts';
import { SlideshowRenderer, SlideshowStore, Slideshows } from './slideshow/index.ts';
import { startCleaner, TempStore } from './temp/index.ts';

/** A film of six photos has some 3 MB and takes about a second and a half on one processor. */
const SLIDESHOW_STORE = {
  maxRenders: availableParallelism(),
  maxQueue: 50,
  maxAgeMs: 30 * 60_000,
  maxBytes: 1024 * 1024 * 1024,
};

export interface App {
  server: FastifyInstance;
  health: Health;
  /** Ends everything behind the routes, in reverse order. Call it when the server is closed. */
  close(): Promise<void>;
}

/** Builds the service: what it is made of, in the order in which the parts need each other. */
export async function buildApp(config: Config, projectRoot: string, log: Logger): Promise<App> {
  const version = readVersion(projectRoot);
  const temp = new TempStore({ dir: config.temp.dir, log });
  await temp.open();
  const links = new Links(tokenBox(config, projectRoot), config.server.baseUrl, config.links.ttlMs);
  const egresses = new Egresses(config.egress.proxies);
  const outcomes = new Outcomes();
  const ffmpeg = locateFfmpeg(projectRoot);
  const { path: runDir } = await temp.createJob('host');
  const engine = locateEngine(projectRoot);
  const extractor = await Extractor.start({ engine, runDir, egresses, outcomes, config, log });
  const posts = new Posts(extractor, new MemoryCache(), config.cache.ttlMs);
  const files = new FileLocator(posts);
  const media = new MediaClient({
    egresses: new Map(egresses.all.map(({ id, proxy }) => [id, proxy?.reveal() ?? null])),
    extraCa: config.egress.extraCaFile ? [readFileSync(config.egress.extraCaFile, 'utf8')] : [],
    stallTimeoutMs: config.relay.stallTimeoutMs,
  });
  const store = new SlideshowStore({ temp, ...SLIDESHOW_STORE });
  const slideshows = new Slideshows({
    files,
    media,
    store,
    renderer: new SlideshowRenderer({ ffmpegPath: ffmpeg, log }),
    slideSeconds: config.slideshow.slideSeconds,
  });
  const cleaner = startCleaner({ cron: config.temp.cleanupCron, sweepers: [store, temp], log });
  const health = new Health({ version, extractor, outcomes, egresses, ffmpeg });
  const server = await createServer({ config, version, log, links, posts, files, media, slideshows, health });
  return {
    server,
    health,
    async close() {
      cleaner.stop();
      await store.close();
      await media.close();
      await extractor.close();
      await temp.close();
    },
  };
}

function tokenBox({ secrets }: Config, projectRoot: string): TokenBox {
  const key: Secret = secrets.encryptionKey ?? keptKey(join(projectRoot, '.encryption-key'));
  return new TokenBox(
    key.reveal(),
    secrets.previousKeys.map((previous) => previous.reveal()),
  );
}

function readVersion(projectRoot: string): string {
  return (JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { version: string }).version;
}
