/** Each alert fires at what it is for, not before its time, and not at what only looks like it. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NO_PROMETHEUS } from '../helpers/prometheus.ts';

if (NO_PROMETHEUS !== null) console.warn(`skipped: ${NO_PROMETHEUS}`);

const RULES = fileURLToPath(new URL('../../deploy/prometheus/rules/alerts.yml', import.meta.url));
const INSTANCE = 'one:3021';

/** Values at each quarter minute, as promtool writes them: `0+3x8` is 0, 3, 6 … 24. Keys are series without `instance`. */
type Series = Record<string, string>;

interface Fires {
  alert: string;
  when: string;
  series: Series;
  /** Not yet. */
  quiet?: string;
  at: string;
  severity: 'critical' | 'warning';
  /** As Prometheus writes it, from the instance's name on. */
  summary: string;
  labels?: Record<string, string>;
}

interface StaysQuiet {
  alert: string;
  when: string;
  series: Series;
  at: string;
}

const extractions = (values: Record<string, string>): Series =>
  Object.fromEntries(
    Object.entries(values).map(([code, each]) => [`tiktok_extractions_total{code="${code}"}`, each]),
  );

const OUTDATED = {
  alert: 'TikTokExtractorOutdated',
  severity: 'critical',
  summary: ": TikTok's pages cannot be read by this yt-dlp; npm run engine:update",
} as const;
const REDIS = {
  alert: 'TikTokRedisGone',
  severity: 'warning',
  summary:
    ' cannot use Redis, or is refused: cache and limits are its own. redis.problem in its /health says why, the runbook what to do about each',
} as const;
const DYING = {
  alert: 'TikTokProcessesDie',
  severity: 'warning',
  summary: ": yt-dlp's processes die again and again",
} as const;

const FIRES: Fires[] = [
  {
    alert: 'TikTokServiceGone',
    when: 'a scrape fails for a minute',
    series: { 'up{job="tiktok-downloader"}': '1x4 0x40' },
    quiet: '2m',
    at: '3m',
    severity: 'critical',
    summary: ' does not answer Prometheus',
    labels: { job: 'tiktok-downloader' },
  },
  {
    alert: 'TikTokServiceDown',
    when: 'the host does not come back',
    series: { 'tiktok_health{status="down"}': '1x40' },
    quiet: '45s',
    at: '2m',
    severity: 'critical',
    summary: ' has no yt-dlp host: no post can be fetched',
    labels: { status: 'down' },
  },
  {
    ...OUTDATED,
    when: 'most posts cannot be read',
    series: extractions({ extractor_outdated: '0+3x40', ok: '5+2x40' }),
    quiet: '30s',
    at: '1m',
  },
  {
    ...OUTDATED,
    when: 'a quiet night has only a canary, which asks ever more seldom',
    series: {
      ...extractions({ extractor_outdated: '9x60', ok: '100x60' }),
      'tiktok_canary_failures{code="extractor_outdated"}': '9x60',
    },
    at: '10m',
  },
  {
    alert: 'TikTokAddressBlocked',
    when: 'a third is refused for two minutes',
    series: extractions({ ip_blocked: '0+4x40', ok: '0+6x40' }),
    quiet: '2m',
    at: '3m',
    severity: 'critical',
    summary: ': TikTok refuses its addresses',
  },
  {
    alert: 'TikTokEgressResting',
    when: 'one proxy does not come back',
    series: { 'tiktok_egress_up{egress="proxy:3128"}': '0x60', 'tiktok_egress_up{egress="direct"}': '1x60' },
    quiet: '9m',
    at: '11m',
    severity: 'warning',
    summary: ': proxy:3128 has been out of use for ten minutes',
    labels: { egress: 'proxy:3128' },
  },
  {
    alert: 'TikTokDegraded',
    when: 'it stays so',
    series: { 'tiktok_health{status="degraded"}': '1x60' },
    quiet: '4m',
    at: '6m',
    severity: 'warning',
    summary: ' is degraded; its /health says why',
    labels: { status: 'degraded' },
  },
  {
    alert: 'TikTokExtractionsFail',
    when: 'a quarter fails, by several codes together',
    series: extractions({ timeout: '0+1x60', upstream_failed: '0+1x60', internal: '0+1x60', ok: '0+9x60' }),
    quiet: '4m',
    at: '7m',
    severity: 'warning',
    summary: ': more than a fifth of all extractions fail',
  },
  {
    alert: 'TikTokQueueFills',
    when: 'more than half of its places are taken',
    series: { tiktok_queue_jobs: '1200x40', tiktok_queue_limit_jobs: '2000x40' },
    quiet: '45s',
    at: '2m',
    severity: 'warning',
    summary: ': the queue is more than half full',
  },
  {
    alert: 'TikTokSlow',
    when: 'a tenth waits longer than ten seconds',
    series: {
      'tiktok_http_first_byte_seconds_bucket{route="/tiktok",le="10"}': '0+9x60',
      'tiktok_http_first_byte_seconds_bucket{route="/tiktok",le="30"}': '0+10x60',
      'tiktok_http_first_byte_seconds_bucket{route="/tiktok",le="+Inf"}': '0+10x60',
    },
    quiet: '4m',
    at: '7m',
    severity: 'warning',
    summary: ': one in twenty visitors waits longer than ten seconds for a post',
  },
  {
    ...DYING,
    when: 'the host is started again and again',
    series: { tiktok_host_restarts_total: '0x4 1x4 2x4 3x40', tiktok_child_restarts_total: '0x60' },
    quiet: '2m',
    at: '6m',
  },
  {
    ...DYING,
    when: 'children die under many jobs',
    series: { tiktok_host_restarts_total: '0x60', tiktok_child_restarts_total: '0+1x60' },
    quiet: '4m',
    at: '8m',
  },
  {
    alert: 'TikTokEngineRejected',
    when: 'a new engine was taken back',
    series: { tiktok_engine_rejections_total: '0x4 1x60' },
    quiet: '1m',
    at: '2m',
    severity: 'warning',
    summary: ': a new yt-dlp did worse than the one before and was taken back',
  },
  {
    alert: 'TikTokRendersFail',
    when: 'films and MP3s fail together',
    series: {
      'tiktok_render_duration_seconds_count{kind="slideshow",outcome="render_failed"}': '0x4 2x60',
      'tiktok_render_duration_seconds_count{kind="mp3",outcome="internal"}': '0x4 2x60',
    },
    quiet: '1m',
    at: '5m',
    severity: 'warning',
    summary: ': slideshows or MP3s cannot be made',
  },
  { ...REDIS, when: 'it is gone, or refuses', series: { tiktok_redis_up: '0x40' }, quiet: '1m', at: '3m' },
  {
    alert: 'TikTokDiskFull',
    when: 'little is left',
    series: { tiktok_disk_free_bytes: '104857600x40' },
    quiet: '1m',
    at: '3m',
    severity: 'warning',
    summary: ': 100MiB left on the disk of TEMP_DIR',
  },
  {
    alert: 'TikTokMemory',
    when: 'all parts together have grown',
    series: {
      'tiktok_memory_pss_bytes{part="node"}': '1073741824x60',
      'tiktok_memory_pss_bytes{part="python"}': '1073741824x60',
    },
    quiet: '9m',
    at: '11m',
    severity: 'warning',
    summary: ' uses 2GiB of memory',
  },
];

const STAYS_QUIET: StaysQuiet[] = [
  {
    alert: 'TikTokServiceGone',
    when: "another job's target is gone",
    series: { 'up{job="other"}': '0x40' },
    at: '5m',
  },
  {
    alert: 'TikTokServiceDown',
    when: 'it ends, as it was told to',
    series: { 'tiktok_health{status="down"}': '0x40', 'tiktok_health{status="draining"}': '1x40' },
    at: '5m',
  },
  {
    alert: 'TikTokExtractorOutdated',
    when: 'one odd post is the only one for a while',
    series: extractions({ extractor_outdated: '0x4 1x40', ok: '50x44' }),
    at: '2m',
  },
  {
    alert: 'TikTokExtractorOutdated',
    when: 'fewer than half cannot be read',
    series: extractions({ extractor_outdated: '0+4x60', ok: '0+5x60' }),
    at: '10m',
  },
  {
    alert: 'TikTokExtractorOutdated',
    when: 'only the canary has an odd page, and visitors are served',
    series: {
      ...extractions({ extractor_outdated: '9x60', ok: '0+1x60' }),
      'tiktok_canary_failures{code="extractor_outdated"}': '9x60',
    },
    at: '10m',
  },
  {
    alert: 'TikTokExtractorOutdated',
    when: 'an update has mended it',
    series: {
      ...extractions({ extractor_outdated: '0+3x8 24x40', ok: '0x8 0+3x40' }),
      'tiktok_canary_failures{code="ok"}': '0x60',
    },
    at: '4m',
  },
  {
    alert: 'TikTokExtractorOutdated',
    when: 'the canary fails for another reason',
    series: { ...extractions({ ok: '9x60' }), 'tiktok_canary_failures{code="timeout"}': '9x60' },
    at: '10m',
  },
  {
    alert: 'TikTokAddressBlocked',
    when: 'a few are refused',
    series: extractions({ ip_blocked: '0+2x60', ok: '0+8x60' }),
    at: '10m',
  },
  {
    alert: 'TikTokEgressResting',
    when: 'it comes back',
    series: { 'tiktok_egress_up{egress="direct"}': '0x20 1x60' },
    at: '15m',
  },
  {
    alert: 'TikTokExtractionsFail',
    when: 'a tenth fails, and many posts are gone',
    series: extractions({ timeout: '0+1x60', post_not_found: '0+5x60', ok: '0+4x60' }),
    at: '12m',
  },
  {
    alert: 'TikTokQueueFills',
    when: 'there is no queue at all (MAX_QUEUE=0)',
    series: { tiktok_queue_jobs: '0x40', tiktok_queue_limit_jobs: '0x40' },
    at: '5m',
  },
  {
    alert: 'TikTokSlow',
    when: 'only downloads are slow',
    series: {
      'tiktok_http_first_byte_seconds_bucket{route="/stream",le="10"}': '0+1x60',
      'tiktok_http_first_byte_seconds_bucket{route="/stream",le="+Inf"}': '0+10x60',
    },
    at: '12m',
  },
  {
    alert: 'TikTokProcessesDie',
    when: 'one died once',
    series: { tiktok_host_restarts_total: '0x4 1x60', tiktok_child_restarts_total: '0x4 1x60' },
    at: '5m',
  },
  {
    alert: 'TikTokRendersFail',
    when: "films fail because of TikTok, which is another alert's business",
    series: { 'tiktok_render_duration_seconds_count{kind="slideshow",outcome="upstream_failed"}': '0+5x60' },
    at: '10m',
  },
  { alert: 'TikTokRedisGone', when: 'it blinks', series: { tiktok_redis_up: '1x4 0x4 1x40' }, at: '5m' },
  {
    alert: 'TikTokDiskFull',
    when: 'a gigabyte is left',
    series: { tiktok_disk_free_bytes: '1073741824x40' },
    at: '5m',
  },
  {
    alert: 'TikTokMemory',
    when: 'it grew for some films',
    series: { 'tiktok_memory_pss_bytes{part="render"}': '1717986918x20 104857600x60' },
    at: '15m',
  },
];

function inputOf(series: Series) {
  return Object.entries(series).map(([name, values]) => ({
    series: name.includes('{')
      ? name.replace('{', `{instance="${INSTANCE}",`)
      : `${name}{instance="${INSTANCE}"}`,
    values,
  }));
}

const nothing = ({ alert, at }: { alert: string; at: string }) => ({
  eval_time: at,
  alertname: alert,
  exp_alerts: [],
});

function firing({ alert, at, severity, summary, labels }: Fires) {
  return {
    eval_time: at,
    alertname: alert,
    exp_alerts: [
      {
        exp_labels: { severity, instance: INSTANCE, ...labels },
        exp_annotations: {
          summary: INSTANCE + summary,
          runbook: `docs/RUNBOOK.md#${alert.toLowerCase()}`,
        },
      },
    ],
  };
}

describe.skipIf(NO_PROMETHEUS !== null)('the alert', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'alerts-'));
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** What promtool objects to; empty where nothing. */
  async function judge(series: Series, ...alertTests: object[]): Promise<string> {
    const file = join(mkdtempSync(join(folder, 'case-')), 'tests.yml');
    const tests = [{ interval: '15s', input_series: inputOf(series), alert_rule_test: alertTests }];
    // JSON is YAML.
    writeFileSync(file, JSON.stringify({ rule_files: [RULES], evaluation_interval: '15s', tests }));
    return promisify(execFile)('promtool', ['test', 'rules', file]).then(
      () => '',
      (error: { stdout: string; stderr: string }) => error.stdout + error.stderr,
    );
  }

  it.each(FIRES)('$alert fires when $when', async (one) => {
    const before = one.quiet === undefined ? [] : [nothing({ ...one, at: one.quiet })];
    expect(await judge(one.series, ...before, firing(one))).toBe('');
  });

  it.each(STAYS_QUIET)('$alert stays quiet when $when', async (one) => {
    expect(await judge(one.series, nothing(one))).toBe('');
  });
});

it('each alert of the rules is tried', () => {
  const alerts = [...readFileSync(RULES, 'utf8').matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
  expect([...new Set(FIRES.map(({ alert }) => alert))].sort()).toEqual(alerts.sort());
});
