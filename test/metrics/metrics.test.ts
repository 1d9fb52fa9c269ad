/** The metrics, and that alerts, dashboard and runbook refer to existing ones. */

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { healthy } from '../helpers/engine.ts';
import { until } from '../helpers/processes.ts';
import { type Service, startService } from '../helpers/service.ts';
import { type Standin, scenario, startStandin } from '../helpers/standin/index.ts';

const DEPLOY = fileURLToPath(new URL('../../deploy', import.meta.url));
const RULES = join(DEPLOY, 'prometheus/rules/alerts.yml');
const DASHBOARD = join(DEPLOY, 'grafana/dashboards/dashboard.json');
const RUNBOOK = fileURLToPath(new URL('../../docs/RUNBOOK.md', import.meta.url));

const promtool = (process.env.PATH ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'promtool'))
  .find((path) => existsSync(path));

/** Only with REDIS_URL, and only in a cgroup with a memory limit. */
const OPTIONAL = new Set([
  'tiktok_redis_up',
  'tiktok_redis_errors_total',
  'tiktok_memory_limit_bytes',
  'tiktok_memory_used_bytes',
]);

/** Requests of beforeAll, without those to /metrics. */
const REQUESTS = 6;

let standin: Standin;
let service: Service;
let text: string;

beforeAll(async () => {
  standin = await startStandin();
  service = await startService(standin, { MAX_WORKERS: '2', CANARY_URL: scenario('video').url });
  const { body } = await service.post(scenario('video').url);
  await service.post(scenario('video').url);
  await service.post(scenario('page in an unknown shape').url);
  await fetch(`${service.baseUrl}/stream?data=wrong`);
  await fetch(`${service.baseUrl}/no/such/path/marker`);
  await (await fetch(String(body.download_link?.no_watermark))).arrayBuffer();
  // A request is counted a moment after its response has been sent.
  const counted = async () => {
    text = await (await fetch(`${service.baseUrl}/metrics`)).text();
    return [...text.matchAll(/^tiktok_http_requests_total\{(?![^}]*route="\/metrics")[^}]*\} (\d+)$/gm)].map(
      ([, n]) => Number(n),
    );
  };
  await until(async () => (await counted()).reduce((sum, n) => sum + n, 0) >= REQUESTS, 10_000);
});

afterAll(async () => {
  await service.stop();
  await standin.close();
});

function value(series: string): number {
  const line = text.split('\n').find((one) => one.startsWith(`${series} `));
  return line === undefined ? Number.NaN : Number(line.slice(series.length + 1));
}

describe('/metrics', () => {
  it('counts requests by route pattern, not by path', () => {
    const route = (labels: string) => value(`tiktok_http_requests_total{${labels}}`);
    expect(route('method="POST",route="/tiktok",status="200",code=""')).toBe(2);
    expect(route('method="GET",route="/stream",status="400",code="link_invalid"')).toBe(1);
    expect(route('method="GET",route="none",status="404",code="invalid_request"')).toBe(1);
    expect(text).not.toMatch(/marker|data=/);
  });

  it('counts extractions by outcome, starting at zero', () => {
    expect(value('tiktok_extractions_total{code="ok"}')).toBeGreaterThanOrEqual(1);
    expect(value('tiktok_extractions_total{code="extractor_outdated"}')).toBe(1);
    expect(value('tiktok_extractions_total{code="timeout"}')).toBe(0);
    expect(value('tiktok_extraction_duration_seconds_count{outcome="failed"}')).toBe(1);
  });

  it('has the state of cache, relay and workers', () => {
    expect(value('tiktok_cache_hits_total{layer="memory"}')).toBeGreaterThanOrEqual(1);
    expect(value('tiktok_relay_bytes_total')).toBeGreaterThan(100_000);
    expect(value('tiktok_relays_active')).toBe(0);
    expect(value('tiktok_workers{state="idle"}')).toBe(2);
    expect(value('tiktok_queue_limit_jobs')).toBe(2000);
    expect(value(`tiktok_health{status="${healthy}"}`)).toBe(1);
  });

  it.skipIf(process.platform !== 'linux')('has the memory of Node and of Python', () => {
    expect(value('tiktok_memory_pss_bytes{part="node"}')).toBeGreaterThan(30e6);
    expect(value('tiktok_memory_pss_bytes{part="python"}')).toBeGreaterThan(10e6);
    expect(value('tiktok_processes{part="python"}')).toBeGreaterThanOrEqual(2);
  });

  it.skipIf(!promtool)('passes promtool check metrics', () => {
    expect(execFileSync(promtool ?? '', ['check', 'metrics'], { input: text, encoding: 'utf8' })).toBe('');
  });
});

describe('alerts, dashboard and runbook', () => {
  const rules = readFileSync(RULES, 'utf8');
  const asked = (source: string) => [
    ...new Set(
      source.match(/\b(?:tiktok|nodejs|process)_[a-z0-9_]+/g)?.filter((name) => !name.endsWith('_')),
    ),
  ];

  it.each([
    ['alerts', RULES],
    ['dashboard', DASHBOARD],
  ])('%s refer to existing metrics only', (_, file) => {
    const names = asked(readFileSync(file, 'utf8'));
    expect(names.length).toBeGreaterThan(8);
    const missing = names.filter(
      (name) => !OPTIONAL.has(name) && !new RegExp(`^${name}[{ ]`, 'm').test(text),
    );
    // A histogram without observations has no series yet.
    expect(
      missing.filter((name) => !text.includes(`# TYPE ${name.replace(/_(bucket|count)$/, '')} `)),
    ).toEqual([]);
  });

  it('shows the current health and engine on the dashboard, not those of the whole window', () => {
    const { panels } = JSON.parse(readFileSync(DASHBOARD, 'utf8')) as {
      panels: { title: string; targets?: { instant?: boolean }[] }[];
    };
    for (const title of ['Health', 'Engine']) {
      expect(panels.find((panel) => panel.title === title)?.targets).toMatchObject([{ instant: true }]);
    }
  });

  it('uses the data source and the job that are chosen on the dashboard', () => {
    const dashboard = readFileSync(DASHBOARD, 'utf8');
    const uids = [...dashboard.matchAll(/"uid": "([^"]*)"/g)].map(([, uid]) => uid);
    expect(uids.filter((uid) => !/^(tiktok-downloader|\$\{datasource\})$/.test(uid ?? ''))).toEqual([]);
    const expressions = [...dashboard.matchAll(/"expr": "([^\n]*)"/g)].map(([, expr]) => expr ?? '');
    const unfiltered = expressions.filter((expr) => !expr.includes('job=~') && !expr.startsWith('changes('));
    expect(unfiltered).toEqual([]);
  });

  it('has every alert in the runbook', () => {
    const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name ?? '');
    const runbook = readFileSync(RUNBOOK, 'utf8');
    expect(alerts.length).toBeGreaterThan(10);
    expect(alerts.filter((name) => !runbook.includes(`### ${name}\n`))).toEqual([]);
    for (const name of alerts) expect(rules).toContain(`docs/RUNBOOK.md#${name.toLowerCase()}`);
  });

  it('has every Redis problem in the runbook', () => {
    const source = readFileSync(
      fileURLToPath(new URL('../../src/cache/redis-error.ts', import.meta.url)),
      'utf8',
    );
    const codes = [...source.matchAll(/^ {2}([A-Z_]+): '/gm)].map(([, code]) => code ?? '');
    expect(codes.length).toBeGreaterThan(8);
    const [, section = ''] = readFileSync(RUNBOOK, 'utf8').split('### TikTokRedisGone');
    expect(codes.filter((code) => !section.split('###')[0]?.includes(`(${code})`))).toEqual([]);
  });

  it.skipIf(!promtool)('passes promtool check config', () => {
    const checked = execFileSync(promtool ?? '', [
      'check',
      'config',
      join(DEPLOY, 'prometheus/prometheus.yml'),
    ]);
    expect(String(checked)).toContain('rules found');
  });
});
