import type { Logger } from 'pino';
import type { Access } from './access/index.ts';
import type { Zips } from './archive/index.ts';
import type { Sounds } from './audio/index.ts';
import type { Posts, RedisStore } from './cache/index.ts';
import type { MediaClient } from './cdn/index.ts';
import type { Config } from './config.ts';
import type { EgressPool } from './egress/index.ts';
import type { FileLocator } from './files/index.ts';
import type { Health } from './health/index.ts';
import type { Limits } from './limits.ts';
import type { Links } from './links/index.ts';
import type { FileNames } from './media/index.ts';
import type { Metrics } from './metrics/index.ts';
import type { Pictures } from './pictures/index.ts';
import type { Rules } from './rules/index.ts';
import type { Slideshows } from './slideshow/index.ts';

/** What the routes work with; built in app.ts. */
export interface Services {
  config: Config;
  limits: Limits;
  /** What an operator should change in the configuration, in words; for /health. */
  warnings: Set<string>;
  version: string;
  log: Logger;
  links: Links;
  posts: Posts;
  /** Null where no Redis is configured. */
  shared: RedisStore | null;
  egresses: Pick<EgressPool, 'labelOf'>;
  rules: Rules;
  access: Access;
  files: FileLocator;
  names: FileNames;
  media: MediaClient;
  sounds: Sounds;
  pictures: Pictures;
  zips: Zips;
  slideshows: Slideshows;
  health: Health;
  metrics: Metrics;
}
