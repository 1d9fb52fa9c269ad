import { collectDefaultMetrics, Registry } from 'prom-client';
import { readCgroupMemory } from './cgroup.ts';
import { ProcessMemory } from './memory.ts';
import { type Observers, recordedMetrics } from './recorded.ts';
import { engineMetrics, extractionMetrics, healthMetrics, memoryMetrics } from './sampled-state.ts';
import {
  accessMetrics,
  cacheMetrics,
  egressMetrics,
  relayMetrics,
  renderMetrics,
} from './sampled-traffic.ts';
import type { MetricSources } from './sources.ts';

/** Gauges of prom-client whose names end like counters; promtool rejects them. */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];

/** All metrics of the service. The only folder that imports the Prometheus client. */
export class Metrics {
  readonly #registry = new Registry();
  #beforeScrape: () => void = () => {};
  /** Callbacks for the recorded metrics. */
  readonly observers: Observers;

  constructor() {
    collectDefaultMetrics({ register: this.#registry });
    for (const name of MISNAMED) this.#registry.removeSingleMetric(name);
    this.observers = recordedMetrics(this.#registry);
  }

  /** Adds the sampled metrics. Called once, when all sources are built. */
  watch(sources: MetricSources): void {
    const registry = this.#registry;
    let report = sources.health.report();
    this.#beforeScrape = () => {
      report = sources.health.report();
    };
    extractionMetrics(registry, sources.extractor);
    accessMetrics(registry, sources.access);
    egressMetrics(registry, sources.egresses);
    cacheMetrics(registry, sources.posts, sources.shared);
    relayMetrics(registry, sources.media);
    renderMetrics(registry, sources.stores);
    healthMetrics(registry, () => report);
    engineMetrics(registry, sources.extractor, sources.engines);
    memoryMetrics(registry, new ProcessMemory(), readCgroupMemory);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** @returns Prometheus' text format */
  text(): Promise<string> {
    this.#beforeScrape();
    return this.#registry.metrics();
  }
}
