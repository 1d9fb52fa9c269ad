/** From blindness to the alert, and back: a real Prometheus, the rules as they are deployed, and an engine that mends it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MENDED } from '../helpers/engine/bad-releases.ts';
import { makeProject, type Project } from '../helpers/engine/project.ts';
import { healthy, ownEngine } from '../helpers/engine.ts';
import { until } from '../helpers/processes.ts';
import { NO_PROMETHEUS, TestPrometheus } from '../helpers/prometheus.ts';
import { type Service, startService } from '../helpers/service.ts';
import { type Standin, startStandin } from '../helpers/standin/index.ts';

if (NO_PROMETHEUS !== null) console.warn(`skipped: ${NO_PROMETHEUS}`);

const ALERT = 'TikTokExtractorOutdated';
/** The rule's `for` of 30 s, and its window of a minute: whoever is slower than that is only slow. */
const PATIENCE_MS = 120_000;
const VISITOR_EVERY_MS = 250;

interface Visit {
  /** The yt-dlp that /health named before this visitor came. */
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
/** Whether every page of the stand-in has the shape that nobody can read. */
let blind = false;
let lastId = 7_430_000_000_000_000_000n;

describe.skipIf(!ownEngine || NO_PROMETHEUS !== null)('the alert of a blind service', () => {
  beforeAll(async () => {
    standin = await startStandin();
    const get = standin.posts.get.bind(standin.posts);
    standin.posts.get = (id, platform) => {
      const post = get(id, platform);
      return post && blind ? { ...post, behaviour: 'blind' } : post;
    };
    project = makeProject();
    const env = { MAX_WORKERS: '2', CANARY_URL: 'https://www.tiktok.com/@canary/video/7400000000000000043' };
    service = await startService(standin, env, project.main);
    prometheus = await TestPrometheus.start(service.baseUrl);
  });

  afterAll(async () => {
    await prometheus.stop();
    await service.stop();
    project.remove();
    await standin.close();
  });

  const health = async () => (await fetch(`${service.baseUrl}/health`)).json() as Promise<Report>;

  /** One visitor after the other, until told to stop; resolves to what each got. */
  function visitors(): () => Promise<Visit[]> {
    let going = true;
    const visits: Visit[] = [];
    const all = (async () => {
      while (going) {
        lastId += 1n;
        const { ytdlp } = await health();
        const { status, body } = await service.post(`https://www.tiktok.com/@load/video/${lastId}`);
        visits.push({ ytdlp, ended: body.code ?? status });
        await sleep(VISITOR_EVERY_MS);
      }
    })();
    return async () => {
      going = false;
      await all;
      return visits;
    };
  }

  async function becomes(alert: string, state: 'firing' | undefined): Promise<void> {
    const limit = Date.now() + PATIENCE_MS;
    while ((await prometheus.alerts()).get(alert) !== state) {
      if (Date.now() > limit) throw new Error(`${alert} does not become ${state ?? 'resolved'}`);
      await sleep(250);
    }
  }

  it('fires, and resolves after an update, without a restart or a request that failed for another reason', async () => {
    const stop = visitors();
    await sleep(5000);
    expect((await prometheus.alerts()).has(ALERT)).toBe(false);
    blind = true;
    await becomes(ALERT, 'firing');
    expect((await health()).reasons.join()).toMatch(/cannot be read by yt-dlp .*npm run engine:update/);

    const { pid } = service;
    project.install('2027.1.4', MENDED);
    expect(await until(async () => (await health()).ytdlp === '2027.1.4', 30_000)).toBe(true);
    await becomes(ALERT, undefined);
    expect(await until(async () => (await health()).status === healthy, 30_000)).toBe(true);
    if (healthy === 'ok') await becomes('TikTokDegraded', undefined);

    const visits = await stop();
    const outcomes = (mended: boolean) =>
      new Set(visits.filter(({ ytdlp }) => (ytdlp === '2027.1.4') === mended).map(({ ended }) => ended));
    expect(outcomes(false)).toEqual(new Set([200, 'extractor_outdated']));
    expect(outcomes(true)).toEqual(new Set([200]));
    expect(service.pid).toBe(pid);
    // It still runs: a service that had ended would have said so.
    expect(await Promise.race([service.exited, 'running'])).toBe('running');
  }, 360_000);
});
