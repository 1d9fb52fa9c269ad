import type { Logger } from 'pino';
import type { Posts } from './cache/index.ts';
import type { MediaClient } from './cdn/index.ts';
import type { Config } from './config.ts';
import type { FileLocator } from './files/index.ts';
import type { Health } from './health/index.ts';
import type { Links } from './links/index.ts';
import type { Slideshows } from './slideshow/index.ts';

/** What the routes work with; built in app.ts, in the order in which they need each other. */
export interface Services {
  config: Config;
  version: string;
  log: Logger;
  links: Links;
  posts: Posts;
  files: FileLocator;
  media: MediaClient;
  slideshows: Slideshows;
  health: Health;
}
