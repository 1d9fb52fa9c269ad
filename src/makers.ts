import type { Logger } from 'pino';
import { Zips } from './archive/index.ts';
import { Sounds } from './audio/index.ts';
import type { Posts } from './cache/index.ts';
import type { MediaClient } from './cdn/index.ts';
import type { Closers } from './closers.ts';
import type { Config } from './config.ts';
import { FileLocator } from './files/index.ts';
import type { Metrics } from './metrics/index.ts';
import { Pictures } from './pictures/index.ts';
import { KEPT_SLIDESHOWS, openRenderSlots, RenderCache } from './renders/index.ts';
import { SlideshowRenderer, Slideshows } from './slideshow/index.ts';
import { startCleaner, type TempStore } from './temp/index.ts';

export interface MakerParts {
  config: Config;
  log: Logger;
  closers: Closers;
  temp: TempStore;
  posts: Posts;
  media: MediaClient;
  ffmpeg: string | null;
  observers: Pick<Metrics['observers'], 'renderRecorder'>;
}

/** What makes files of the CDN's files: slideshows, sounds, pictures, zips; and the cleaner of what they leave. */
export function openMakers({ config, log, closers, temp, posts, media, ffmpeg, observers }: MakerParts) {
  const files = new FileLocator(posts);
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
  const pictures = new Pictures({
    media,
    temp,
    log,
    limitClients: making.limitClients,
    renders: making.renders.slots,
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
  return { files, renders, sounds, pictures, zips, slideshows };
}
