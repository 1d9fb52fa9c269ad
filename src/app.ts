import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { MemoryCache, Posts } from './cache/index.ts';
import type { Config } from './config.ts';
import { Egresses } from './egress/index.ts';
import { Extractor, locateEngine } from './extraction/index.ts';
import { locateFfmpeg } from './ffmpeg.ts';
import { Health, Outcomes } from './health/index.ts';
import { createServer } from './http/server.ts';
import { keptKey, Links, TokenBox } from './links/index.ts';
import type { Secret } from './secret.ts';

export interface App {
  server: FastifyInstance;
  health: Health;
  /** Ends everything behind the routes, in reverse order. Call it when the server is closed. */
  close(): Promise<void>;
}

/** Builds the service: what it is made of, in the order in which the parts need each other. */
export async function buildApp(config: Config, projectRoot: string, log: Logger): Promise<App> {
  mkdirSync(config.temp.dir, { recursive: true });
  const links = new Links(tokenBox(config, projectRoot), config.server.baseUrl, config.links.ttlMs);
  const egresses = new Egresses(config.egress.proxies);
  const outcomes = new Outcomes();
  const ffmpeg = locateFfmpeg(projectRoot);
  const extractor = await Extractor.start({
    engine: locateEngine(projectRoot),
    egresses,
    outcomes,
    config,
    log,
  });
  const posts = new Posts(extractor, new MemoryCache(), config.cache.ttlMs);
  const health = new Health({ version: version(projectRoot), extractor, outcomes, egresses, ffmpeg });
  const server = await createServer({ config, log, links, posts, health });
  return {
    server,
    health,
    async close() {
      await extractor.close();
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

function version(projectRoot: string): string {
  return (JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { version: string }).version;
}
