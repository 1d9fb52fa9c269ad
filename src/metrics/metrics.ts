import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Posts, RedisStore } from '../cache/index.ts';
import type { MediaClient } from '../cdn/index.ts';
import type { EgressPool } from '../egress/index.ts';
import type { EngineWatcher } from '../engine/index.ts';
import type { Extractor } from '../extraction/index.ts';
import type { Health } from '../health/index.ts';
import { ProcessMemory } from './memory.ts';
import { type Observers, recordedMetrics } from './recorded.ts';
import { engineMetrics, extractionMetrics, healthMetrics, memoryMetrics } from './sampled-state.ts';
import { cacheMetrics, egressMetrics, relayMetrics, renderMetrics } from './sampled-traffic.ts';

/** Gauges of prom-client's that are called totals; promtool objects. */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];

/** Who keeps the numbers that are only read. */
export interface MetricSources {
  extractor: Pick<Extractor, 'status'>;
  posts: Pick<Posts, 'status'>;
  shared: Pick<RedisStore, 'status'> | null;
  egresses: Pick<EgressPool, 'status'>;
  media: Pick<MediaClient, 'stats'>;
  stores: Readonly<Record<string, { readonly status: { inFlight: number; files: number; bytes: number } }>>;
  health: Pick<Health, 'report'>;
  engines: Pick<EngineWatcher, 'rejections'>;
}

/** Everything that Prometheus is told. The only folder that knows its client. */
export class Metrics {
  readonly #registry = new Registry();
  /** For those who tell about what happens. */
  readonly observers: Observers;

  constructor() {
    collectDefaultMetrics({ register: this.#registry });
    for (const name of MISNAMED) this.#registry.removeSingleMetric(name);
    this.observers = recordedMetrics(this.#registry);
  }

  /** Adds what is read at each scrape; once, when all is built. */
  watch(sources: MetricSources): void {
    const registry = this.#registry;
    extractionMetrics(registry, sources.extractor);
    egressMetrics(registry, sources.egresses);
    cacheMetrics(registry, sources.posts, sources.shared);
    relayMetrics(registry, sources.media);
    renderMetrics(registry, sources.stores);
    healthMetrics(registry, sources.health);
    engineMetrics(registry, sources.extractor, sources.engines);
    memoryMetrics(registry, new ProcessMemory());
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** @returns Prometheus' text format */
  text(): Promise<string> {
    return this.#registry.metrics();
  }
}
