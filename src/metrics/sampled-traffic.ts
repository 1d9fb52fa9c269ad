import type { Registry } from 'prom-client';
import { readCounter, readGauge } from './registry.ts';
import type { MetricSources } from './sources.ts';

export function accessMetrics(registry: Registry, access: MetricSources['access']): void {
  readCounter(
    registry,
    { name: 'key_requests_total', help: 'Requests for posts with an API key, by its name.', labels: ['key'] },
    () => access.uses.map(([key, count]) => [{ key }, count]),
  );
}

export function egressMetrics(registry: Registry, egresses: MetricSources['egresses']): void {
  readGauge(
    registry,
    { name: 'egress_up', help: '1 while an egress is in use, 0 while it is blocked.', labels: ['egress'] },
    () => egresses.status.map(({ name, state }) => [{ egress: name }, state === 'ok' ? 1 : 0]),
  );
  readCounter(
    registry,
    { name: 'egress_refusals_total', help: 'Responses of TikTok that block the egress.', labels: ['egress'] },
    () => egresses.status.map(({ name, refusals }) => [{ egress: name }, refusals]),
  );
}

export function cacheMetrics(
  registry: Registry,
  posts: MetricSources['posts'],
  shared: MetricSources['shared'],
): void {
  readGauge(registry, { name: 'cache_posts', help: 'Posts in memory.' }, () => posts.status.posts);
  readCounter(
    registry,
    { name: 'cache_hits_total', help: 'Posts found in the cache, by layer.', labels: ['layer'] },
    () => Object.entries(posts.status.hits).map(([layer, hits]) => [{ layer }, hits]),
  );
  readCounter(
    registry,
    { name: 'cache_misses_total', help: 'Posts not found in the cache.' },
    () => posts.status.misses,
  );
  if (!shared) return;
  readGauge(registry, { name: 'redis_up', help: '1 while Redis answers without errors.' }, () =>
    shared.status.state === 'up' ? 1 : 0,
  );
  readCounter(
    registry,
    { name: 'redis_errors_total', help: 'Redis commands without a usable reply, by kind.', labels: ['kind'] },
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
  readGauge(registry, { name: 'relays_active', help: 'Bodies being relayed.' }, () => media.stats.active);
  readCounter(
    registry,
    { name: 'relays_total', help: 'Bodies whose relay began.' },
    () => media.stats.opened,
  );
  readCounter(
    registry,
    {
      name: 'relays_broken_total',
      help: 'Bodies that ended before they were whole, by cause: the client left, or the CDN failed.',
      labels: ['by'],
    },
    () => [
      [{ by: 'client' }, media.stats.brokenByClient],
      [{ by: 'cdn' }, media.stats.brokenByCdn],
    ],
  );
  readCounter(
    registry,
    { name: 'relay_resumes_total', help: 'Times that a body was resumed from another response of the CDN.' },
    () => media.stats.resumes,
  );
  readCounter(
    registry,
    {
      name: 'relay_renewals_total',
      help: 'Extractions repeated because no CDN link of a file worked any more.',
    },
    () => media.stats.renewals,
  );
}

export function renderMetrics(registry: Registry, stores: MetricSources['stores']): void {
  const each = (read: (status: { inFlight: number; files: number; bytes: number }) => number) =>
    Object.entries(stores).map(([kind, { status }]) => [{ kind }, read(status)] as const);
  readGauge(
    registry,
    { name: 'renders_in_flight', help: 'Files being made or waiting to be made.', labels: ['kind'] },
    () => each(({ inFlight }) => inFlight),
  );
  readGauge(registry, { name: 'kept_bytes', help: 'Bytes of cached files.', labels: ['kind'] }, () =>
    each(({ bytes }) => bytes),
  );
}
