import type { Registry } from 'prom-client';
import type { MetricSources } from './metrics.ts';
import { readCounter, readGauge } from './registry.ts';

export function egressMetrics(registry: Registry, egresses: MetricSources['egresses']): void {
  readGauge(
    registry,
    { name: 'egress_up', help: '1 while an egress is in use, 0 while it rests.', labels: ['egress'] },
    () => egresses.status.map(({ name, state }) => [{ egress: name }, state === 'ok' ? 1 : 0]),
  );
  readCounter(
    registry,
    { name: 'egress_refusals_total', help: 'Refusals by TikTok, by egress.', labels: ['egress'] },
    () => egresses.status.map(({ name, refusals }) => [{ egress: name }, refusals]),
  );
}

export function cacheMetrics(
  registry: Registry,
  posts: MetricSources['posts'],
  shared: MetricSources['shared'],
): void {
  readGauge(registry, { name: 'cache_posts', help: 'Posts in the own memory.' }, () => posts.status.posts);
  readCounter(
    registry,
    { name: 'cache_hits_total', help: 'Posts found in the cache, by where.', labels: ['layer'] },
    () => Object.entries(posts.status.hits).map(([layer, hits]) => [{ layer }, hits]),
  );
  readCounter(
    registry,
    { name: 'cache_misses_total', help: 'Posts not in the cache.' },
    () => posts.status.misses,
  );
  if (!shared) return;
  readGauge(registry, { name: 'redis_up', help: '1 while Redis answers and refuses nothing.' }, () =>
    shared.status.state === 'up' ? 1 : 0,
  );
  readCounter(
    registry,
    { name: 'redis_errors_total', help: 'Commands without a useful answer, by kind.', labels: ['kind'] },
    () => {
      const { unanswered, skipped, refused, garbage } = shared.status;
      return Object.entries({ unanswered, skipped, refused, garbage }).map(([kind, count]) => [
        { kind },
        count,
      ]);
    },
  );
}

export function relayMetrics(registry: Registry, media: MetricSources['media']): void {
  readCounter(
    registry,
    { name: 'relay_bytes_total', help: 'Bytes of media fetched from the CDN.' },
    () => media.stats.bytes,
  );
  readGauge(
    registry,
    { name: 'relays_active', help: 'Bodies under way from the CDN.' },
    () => media.stats.active,
  );
  readCounter(registry, { name: 'relays_total', help: 'Bodies begun.' }, () => media.stats.opened);
  readCounter(
    registry,
    {
      name: 'relays_broken_total',
      help: 'Bodies that ended before they were whole, readers who left included.',
    },
    () => media.stats.broken,
  );
  readCounter(
    registry,
    { name: 'relay_resumes_total', help: 'Times a body went on from another answer of the CDN.' },
    () => media.stats.resumes,
  );
  readCounter(
    registry,
    { name: 'relay_renewals_total', help: 'Posts fetched again because a link of the CDN had died.' },
    () => media.stats.renewals,
  );
}

export function renderMetrics(registry: Registry, stores: MetricSources['stores']): void {
  const each = (read: (status: { inFlight: number; files: number; bytes: number }) => number) =>
    Object.entries(stores).map(([kind, { status }]) => [{ kind }, read(status)] as const);
  readGauge(
    registry,
    { name: 'renders_in_flight', help: 'Files being made, or waiting for it.', labels: ['kind'] },
    () => each(({ inFlight }) => inFlight),
  );
  readGauge(
    registry,
    { name: 'kept_bytes', help: 'Bytes of made files that are kept.', labels: ['kind'] },
    () => each(({ bytes }) => bytes),
  );
}
