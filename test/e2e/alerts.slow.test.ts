/** Rules with longer windows, played together against one service: a real Prometheus with the shipped configuration. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NO_PROMETHEUS, TestPrometheus } from '../helpers/prometheus.ts';
import { type Service, startService } from '../helpers/service.ts';
import { type Standin, startStandin } from '../helpers/standin/index.ts';

/** The longest rule of these needs 3 minutes after its ratio is reached. */
const PATIENCE_MS = 6 * 60_000;
const EVERY_MS = 1500;

const EXPECTED = ['TikTokAddressBlocked', 'TikTokDownloadsFail', 'TikTokRedisGone'];

describe.skipIf(NO_PROMETHEUS !== null)('the alerts', () => {
  let standin: Standin;
  let service: Service;
  let prometheus: TestPrometheus;
  let lastId = 7_440_000_000_000_000_000n;

  beforeAll(async () => {
    standin = await startStandin();
    service = await startService(standin, {
      MAX_WORKERS: '2',
      DOWNLOAD_TIMEOUT: '3',
      // A port that nothing on a machine takes.
      REDIS_URL: 'redis://127.0.0.1:1',
    });
    const ports = { service: Number(new URL(service.baseUrl).port) };
    prometheus = await TestPrometheus.start({ ports });
  });

  afterAll(async () => {
    await prometheus.stop();
    await service.stop();
    await standin.close();
  });

  const post = () => {
    lastId += 1n;
    return service.post(`https://www.tiktok.com/@load/video/${lastId}`);
  };

  it('fire for a blocked address, failing downloads and a missing Redis, and not before', async () => {
    const { body } = await post();
    const link = String(body.download_link?.no_watermark);
    expect((await fetch(link)).status).toBe(200);
    const before = await prometheus.alerts();
    for (const alert of EXPECTED) expect(before.get(alert), alert).not.toBe('firing');

    standin.block();
    standin.faults.add({ part: 'video' }, { kind: 'status', status: 500 });
    let running = true;
    const statuses: number[] = [];
    const clients = [
      async () => statuses.push((await post()).status),
      async () => {
        const answer = await fetch(link);
        await answer.arrayBuffer();
        statuses.push(answer.status);
      },
    ].map(async (request) => {
      while (running) {
        await request();
        await sleep(EVERY_MS);
      }
    });
    const missing = async () => {
      const alerts = await prometheus.alerts();
      return EXPECTED.filter((alert) => alerts.get(alert) !== 'firing');
    };
    const limit = Date.now() + PATIENCE_MS;
    let left = await missing();
    while (left.length > 0 && Date.now() < limit) {
      await sleep(1000);
      left = await missing();
    }
    running = false;
    await Promise.all(clients);
    expect(left).toEqual([]);
    expect(statuses.filter((status) => status < 500)).toEqual([]);
  }, 480_000);
});
