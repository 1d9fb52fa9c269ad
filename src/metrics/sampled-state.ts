import type { Registry } from 'prom-client';
import type { ProcessMemory } from './memory.ts';
import type { MetricSources } from './metrics.ts';
import { readCounter, readGauge } from './registry.ts';

export function extractionMetrics(registry: Registry, extractor: MetricSources['extractor']): void {
  readGauge(
    registry,
    { name: 'queue_jobs', help: 'Extractions that wait for a worker.' },
    () => extractor.status.workers.queued,
  );
  readGauge(
    registry,
    { name: 'queue_limit_jobs', help: 'Extractions that may wait (MAX_QUEUE).' },
    () => extractor.status.queueLimit,
  );
  readGauge(registry, { name: 'workers', help: 'Workers by state.', labels: ['state'] }, () => {
    const { active, idle } = extractor.status.workers;
    return [
      [{ state: 'active' }, active],
      [{ state: 'idle' }, idle],
    ];
  });
  readGauge(
    registry,
    { name: 'worker_threads', help: 'Worker threads that exist now.' },
    () => extractor.status.threads,
  );
  readCounter(
    registry,
    { name: 'child_restarts_total', help: 'yt-dlp processes that died under a job.' },
    () => extractor.status.childRestarts,
  );
  readCounter(
    registry,
    { name: 'host_restarts_total', help: 'Times the yt-dlp host died and was started again.' },
    () => extractor.status.hostRestarts,
  );
  readGauge(registry, { name: 'host_up', help: '1 while the yt-dlp host runs.' }, () =>
    extractor.status.host ? 1 : 0,
  );
}

export function engineMetrics(
  registry: Registry,
  extractor: MetricSources['extractor'],
  engines: MetricSources['engines'],
): void {
  readGauge(
    registry,
    { name: 'engine_info', help: 'The engine in use; always 1.', labels: ['ytdlp', 'curl_cffi', 'python'] },
    () => {
      const { host } = extractor.status;
      if (!host) return [];
      return [[{ ytdlp: host.ytdlp, curl_cffi: host.curlCffi ?? 'none', python: host.python }, 1]];
    },
  );
  readGauge(
    registry,
    { name: 'engine_on_trial', help: '1 while a new engine works beside the one before it.' },
    () => (extractor.status.trial ? 1 : 0),
  );
  readCounter(
    registry,
    { name: 'engine_rejections_total', help: 'New engines that did worse and were taken back.' },
    () => engines.rejections,
  );
}

export function healthMetrics(registry: Registry, health: MetricSources['health']): void {
  readGauge(
    registry,
    { name: 'health', help: 'Status as /health says it: 1 for that one.', labels: ['status'] },
    () => {
      const { status } = health.report();
      return ['ok', 'degraded', 'down', 'draining'].map((name) => [
        { status: name },
        name === status ? 1 : 0,
      ]);
    },
  );
  readGauge(
    registry,
    { name: 'engine_age_seconds', help: 'Time since the yt-dlp in use was released.' },
    () => {
      const { age_days: days } = health.report().engine;
      return days === null ? [] : [[{}, days * 86_400]];
    },
  );
  readGauge(registry, { name: 'disk_free_bytes', help: 'Free on the disk of TEMP_DIR.' }, () => {
    const { disk } = health.report();
    return disk ? [[{}, disk.free_bytes]] : [];
  });
  readGauge(
    registry,
    {
      name: 'canary_failures',
      help: "Times in a row that the canary's post could not be fetched, by the last outcome: ok or an error code.",
      labels: ['code'],
    },
    () => {
      const { last, failures_in_a_row: failures } = health.report().canary ?? {};
      return last ? [[{ code: last.code }, failures ?? 0]] : [];
    },
  );
}

export function memoryMetrics(registry: Registry, memory: ProcessMemory): void {
  const each = async (field: 'pss' | 'rss' | 'processes') =>
    [...(await memory.read())].map(([part, sizes]) => [{ part }, sizes[field]] as const);
  readGauge(
    registry,
    {
      name: 'memory_pss_bytes',
      help: 'Memory by part, with shared pages shared out: node, python (yt-dlp), render.',
      labels: ['part'],
    },
    () => each('pss'),
  );
  readGauge(
    registry,
    {
      name: 'memory_rss_bytes',
      help: 'Resident memory by part; counts shared pages again and again.',
      labels: ['part'],
    },
    () => each('rss'),
  );
  readGauge(registry, { name: 'processes', help: 'Processes by part.', labels: ['part'] }, () =>
    each('processes'),
  );
}
