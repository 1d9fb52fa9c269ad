import type { Registry } from 'prom-client';
import type { CgroupMemory } from './cgroup.ts';
import type { ProcessMemory } from './memory.ts';
import { readCounter, readGauge } from './registry.ts';
import type { HealthReport, MetricSources } from './sources.ts';

export function extractionMetrics(registry: Registry, extractor: MetricSources['extractor']): void {
  readGauge(
    registry,
    { name: 'queue_jobs', help: 'Extractions waiting for a worker.' },
    () => extractor.status.workers.queued,
  );
  readGauge(
    registry,
    { name: 'queue_limit_jobs', help: 'Maximum of waiting extractions (MAX_QUEUE).' },
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
    { name: 'worker_threads', help: 'Worker threads that exist.' },
    () => extractor.status.threads,
  );
  readCounter(
    registry,
    { name: 'child_restarts_total', help: 'yt-dlp child processes that died during a job.' },
    () => extractor.status.childRestarts,
  );
  readCounter(
    registry,
    { name: 'host_restarts_total', help: 'Restarts of the yt-dlp host after it died.' },
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
    {
      name: 'engine_info',
      help: 'Versions of the engine in use; always 1.',
      labels: ['ytdlp', 'curl_cffi', 'python'],
    },
    () => {
      const { host } = extractor.status;
      if (!host) return [];
      return [[{ ytdlp: host.ytdlp, curl_cffi: host.curlCffi ?? 'none', python: host.python }, 1]];
    },
  );
  readGauge(
    registry,
    { name: 'engine_on_trial', help: '1 while a new engine is on trial beside the previous one.' },
    () => (extractor.status.trial ? 1 : 0),
  );
  readCounter(
    registry,
    {
      name: 'engine_rejections_total',
      help: 'New engines that did worse than the previous one and were rolled back.',
    },
    () => engines.rejections,
  );
}

export function healthMetrics(registry: Registry, report: () => HealthReport): void {
  readGauge(
    registry,
    { name: 'health', help: 'Status of /health: 1 for the current one.', labels: ['status'] },
    () => {
      const { status } = report();
      return ['ok', 'degraded', 'down', 'draining'].map((name) => [
        { status: name },
        name === status ? 1 : 0,
      ]);
    },
  );
  readGauge(
    registry,
    { name: 'engine_age_seconds', help: 'Time since the release of the yt-dlp in use.' },
    () => {
      const { age_days: days } = report().engine;
      return days === null ? [] : [[{}, days * 86_400]];
    },
  );
  readGauge(registry, { name: 'disk_free_bytes', help: 'Free bytes on the disk of TEMP_DIR.' }, () => {
    const { disk } = report();
    return disk ? [[{}, disk.free_bytes]] : [];
  });
  readGauge(
    registry,
    {
      name: 'canary_failures',
      help: 'Consecutive failures of the canary, by its last outcome: ok or an error code.',
      labels: ['code'],
    },
    () => {
      const { last, failures_in_a_row: failures } = report().canary ?? {};
      return last ? [[{ code: last.code }, failures ?? 0]] : [];
    },
  );
}

export function memoryMetrics(
  registry: Registry,
  memory: ProcessMemory,
  readCgroup: () => Promise<CgroupMemory | null>,
): void {
  const each = async (field: 'pss' | 'rss' | 'processes') =>
    [...(await memory.read())].map(([part, sizes]) => [{ part }, sizes[field]] as const);
  readGauge(
    registry,
    {
      name: 'memory_pss_bytes',
      help: 'Proportional set size by part: node, python (yt-dlp), render (ffmpeg).',
      labels: ['part'],
    },
    () => each('pss'),
  );
  readGauge(
    registry,
    {
      name: 'memory_rss_bytes',
      help: 'Resident memory by part; shared pages count once for each process.',
      labels: ['part'],
    },
    () => each('rss'),
  );
  readGauge(registry, { name: 'processes', help: 'Processes by part.', labels: ['part'] }, () =>
    each('processes'),
  );
  const limited = async (field: keyof CgroupMemory) => {
    const found = await readCgroup();
    return found ? [[{}, found[field]] as const] : [];
  };
  readGauge(
    registry,
    { name: 'memory_limit_bytes', help: 'Memory limit of the cgroup; absent without a limit.' },
    () => limited('limitBytes'),
  );
  readGauge(
    registry,
    {
      name: 'memory_used_bytes',
      help: 'Working set of the cgroup that has the limit, including files on a tmpfs; absent without a limit.',
    },
    () => limited('usedBytes'),
  );
}
