/** A real Prometheus with the shipped configuration fires and resolves the alerts of a real service. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FIXED_RELEASE } from '../helpers/engine/bad-releases.ts';
import { makeProject, type Project } from '../helpers/engine/project.ts';
import { healthy, ownEngine } from '../helpers/engine.ts';
import { until } from '../helpers/processes.ts';
import {
  ALERTMANAGER,
  type AlertState,
  NO_PROMETHEUS,
  TestAlertmanager,
  TestPrometheus,
} from '../helpers/prometheus.ts';
import { type Service, startService } from '../helpers/service.ts';
import { type Standin, startStandin } from '../helpers/standin/index.ts';

if (NO_PROMETHEUS !== null) console.warn(`skipped: ${NO_PROMETHEUS}`);

const ALERT = 'TikTokExtractorOutdated';
/** More than the longest window and `for` of these rules, a minute each. */
const PATIENCE_MS = 150_000;
const REQUEST_EVERY_MS = 250;

interface Outcome {
  /** Version in /health just before the request. */
  ytdlp: string;
  ended: string | number;
}

interface Report {
  status: string;
  reasons: string[];
  ytdlp: string;
}

let standin: Standin;
let project: Project;
let service: Service;
let prometheus: TestPrometheus;
/** Whether every page of the stand-in has a shape that the engine cannot read. */
let unreadable = false;
let lastId = 7_430_000_000_000_000_000n;

const portOf = ({ baseUrl }: Service) => Number(new URL(baseUrl).port);

async function becomes(alert: string, state: AlertState | undefined): Promise<void> {
  const limit = Date.now() + PATIENCE_MS;
  while ((await prometheus.alerts()).get(alert) !== state) {
    if (Date.now() > limit) throw new Error(`${alert} does not become ${state ?? 'resolved'}`);
    await sleep(250);
  }
}

describe.skipIf(!ownEngine || NO_PROMETHEUS !== null)('TikTokExtractorOutdated', () => {
  beforeAll(async () => {
    standin = await startStandin();
    const get = standin.posts.get.bind(standin.posts);
    standin.posts.get = (id, platform) => {
      const post = get(id, platform);
      return post && unreadable ? { ...post, behaviour: 'blind' } : post;
    };
    project = makeProject();
    const env = { MAX_WORKERS: '2', CANARY_URL: 'https://www.tiktok.com/@canary/video/7400000000000000043' };
    service = await startService(standin, env, project.main);
    prometheus = await TestPrometheus.start({ ports: { service: portOf(service) } });
  });

  afterAll(async () => {
    await prometheus.stop();
    await service.stop();
    project.remove();
    await standin.close();
  });

  const health = async () => (await fetch(`${service.baseUrl}/health`)).json() as Promise<Report>;

  /** One request after the other until the returned function is called, which resolves to their outcomes. */
  function requests(): () => Promise<Outcome[]> {
    let going = true;
    const outcomes: Outcome[] = [];
    const all = (async () => {
      while (going) {
        lastId += 1n;
        const { ytdlp } = await health();
        const { status, body } = await service.post(`https://www.tiktok.com/@load/video/${lastId}`);
        outcomes.push({ ytdlp, ended: body.code ?? status });
        await sleep(REQUEST_EVERY_MS);
      }
    })();
    return async () => {
      going = false;
      await all;
      return outcomes;
    };
  }

  it('fires while pages cannot be read, and resolves after an update without a restart or another failure', async () => {
    const stop = requests();
    await sleep(5000);
    expect((await prometheus.alerts()).has(ALERT)).toBe(false);
    unreadable = true;
    await becomes(ALERT, 'firing');
    expect((await health()).reasons.join()).toMatch(/yt-dlp .* cannot read .*npm run engine:update/);

    const { pid } = service;
    project.install('2027.1.4', FIXED_RELEASE);
    expect(await until(async () => (await health()).ytdlp === '2027.1.4', 30_000)).toBe(true);
    await becomes(ALERT, undefined);
    expect(await until(async () => (await health()).status === healthy, 30_000)).toBe(true);
    if (healthy === 'ok') await becomes('TikTokDegraded', undefined);

    const all = await stop();
    const endings = (updated: boolean) =>
      new Set(all.filter(({ ytdlp }) => (ytdlp === '2027.1.4') === updated).map(({ ended }) => ended));
    expect(endings(false)).toEqual(new Set([200, 'extractor_outdated']));
    expect(endings(true)).toEqual(new Set([200]));
    expect(service.pid).toBe(pid);
    // The process has not ended meanwhile.
    expect(await Promise.race([service.exited, 'running'])).toBe('running');
  }, 360_000);
});

/** The DNS of these tests needs port 53 and a mount namespace. */
const canServeDns = process.getuid?.() === 0 && process.platform === 'linux';

describe.skipIf(NO_PROMETHEUS !== null || !ALERTMANAGER || !canServeDns)('a stopped container', () => {
  const names = new Set(['app', 'alertmanager']);
  let alertmanager: TestAlertmanager;

  beforeAll(async () => {
    standin = await startStandin();
    alertmanager = await TestAlertmanager.start();
    service = await startService(standin, { MAX_WORKERS: '1' });
    const ports = { service: portOf(service), alertmanager: alertmanager.port };
    prometheus = await TestPrometheus.start({ ports, names });
  });

  afterAll(async () => {
    await prometheus.stop();
    await alertmanager.stop();
    await service.stop();
    await standin.close();
  });

  it('fires TikTokNoInstance when its name leaves the DNS, sends a mail, and resolves when it is back', async () => {
    expect(await until(async () => (await prometheus.query('up == 1')).length === 1, 30_000)).toBe(true);
    await service.stop();
    expect(await until(async () => (await prometheus.query('up == 0')).length === 1, 30_000)).toBe(true);
    names.delete('app');
    await becomes('TikTokNoInstance', 'firing');
    // Its series is gone, and so is its alert.
    expect(await prometheus.query('up')).toEqual([]);
    expect((await prometheus.alerts()).has('TikTokServiceGone')).toBe(false);
    const mailOf = (status: string) => () =>
      alertmanager.mails.some((mail) => mail.includes(`[${status}`) && mail.includes('TikTokNoInstance'));
    expect(await until(mailOf('FIRING'), 30_000)).toBe(true);
    expect(alertmanager.mails.join()).toMatch(/^To: on-call@example\.com/im);

    service = await startService(standin, { MAX_WORKERS: '1', PORT: String(portOf(service)) });
    names.add('app');
    await becomes('TikTokNoInstance', undefined);
    expect(await until(mailOf('RESOLVED'), 60_000)).toBe(true);
  }, 400_000);
});
