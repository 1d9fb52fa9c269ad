import type { Access } from '../access/index.ts';
import type { Posts, RedisStore } from '../cache/index.ts';
import type { MediaClient } from '../cdn/index.ts';
import type { EgressPool } from '../egress/index.ts';
import type { EngineWatcher } from '../engine/index.ts';
import type { Extractor } from '../extraction/index.ts';
import type { Health } from '../health/index.ts';

/** The owners of the values that are read at each scrape. */
export interface MetricSources {
  extractor: Pick<Extractor, 'status'>;
  posts: Pick<Posts, 'status'>;
  /** Null without REDIS_URL. */
  shared: Pick<RedisStore, 'status'> | null;
  egresses: Pick<EgressPool, 'status'>;
  media: Pick<MediaClient, 'stats'>;
  /** Caches of rendered files by kind. */
  stores: Readonly<Record<string, { readonly status: { inFlight: number; files: number; bytes: number } }>>;
  health: Pick<Health, 'report'>;
  engines: Pick<EngineWatcher, 'rejections'>;
  access: Pick<Access, 'uses'>;
}

/** One report of /health, for all values of a scrape. */
export type HealthReport = ReturnType<Health['report']>;
