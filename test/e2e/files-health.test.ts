import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { linkOf } from '../helpers/download.ts';
import { type Service, startService } from '../helpers/service.ts';
import { type Fault, type Standin, startStandin, videoPost } from '../helpers/standin/index.ts';

let standin: Standin;
let service: Service;

beforeAll(async () => {
  standin = await startStandin();
  service = await startService(standin, { MAX_WORKERS: '2', DOWNLOAD_TIMEOUT: '30' });
});
afterEach(() => standin.faults.clear());
afterAll(async () => {
  await service.stop();
  await standin.close();
});

/** Statuses of the videos of some posts. */
async function download(posts: number): Promise<number[]> {
  const statuses: number[] = [];
  for (let n = 0; n < posts; n += 1) {
    const response = await fetch(await linkOf(service, standin.posts.add(videoPost())));
    await response.arrayBuffer();
    statuses.push(response.status);
  }
  return statuses;
}

async function health() {
  const response = await fetch(`${service.baseUrl}/health`);
  return (await response.json()) as { status: string; reasons: string[]; files: unknown[] };
}

describe('files that cannot be fetched while posts are read', () => {
  it.each<[string, Fault, RegExp]>([
    ['403', { kind: 'status', status: 403 }, /the CDN answers 403/],
    ['broken connections', { kind: 'reset' }, /there is no connection to the CDN/],
  ])('degrade the service, and say why: %s', async (_name, fault, words) => {
    standin.faults.add({ part: 'video' }, fault);
    standin.faults.add({ part: 'play' }, fault);
    expect(await download(4)).toEqual([502, 502, 502, 502]);
    const failing = await health();
    expect(failing.status).toBe('degraded');
    const label = new URL(standin.proxyUrl).host;
    expect(failing.reasons).toEqual([
      expect.stringMatching(`^posts are read, files cannot be fetched through ${label}, .*: ${words.source}`),
    ]);
    standin.faults.clear();
    expect(await download(5)).toEqual([200, 200, 200, 200, 200]);
    expect(await health()).toMatchObject({ status: 'ok', reasons: [] });
  });

  it('are counted by egress and outcome', async () => {
    expect(await download(1)).toEqual([200]);
    const metrics = await (await fetch(`${service.baseUrl}/metrics`)).text();
    const label = new URL(standin.proxyUrl).host;
    for (const outcome of ['ok', 'refused', 'connection']) {
      expect(metrics).toMatch(
        new RegExp(`^tiktok_relay_attempts_total\\{egress="${label}",outcome="${outcome}"\\} [1-9]`, 'm'),
      );
    }
  });
});
