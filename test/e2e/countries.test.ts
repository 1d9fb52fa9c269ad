import { afterAll, beforeAll, expect, it } from 'vitest';
import { solvesChallenge } from '../helpers/engine.ts';
import { type Service, startService } from '../helpers/service.ts';
import { type Standin, startStandin, statusPost, videoPost } from '../helpers/standin/index.ts';

let standin: Standin;
let service: Service;

beforeAll(async () => {
  standin = await startStandin({ extraProxies: 1 });
  const proxies = standin.proxies.map(({ url }) => url).join(',');
  service = await startService(standin, { MAX_WORKERS: '4', PROXY_URLS: proxies, CACHE_TTL: '0' });
});

afterAll(async () => {
  await service?.stop();
  await standin?.close();
});

it.skipIf(!solvesChallenge)(
  'answers every post through the egress that is not in a country TikTok left',
  async () => {
    standin.refusals.add({ source: ['page', 'player', 'mobile', 'embed'], kind: 'country-hk', egress: 0 });
    for (let i = 0; i < 20; i += 1) {
      const post = standin.posts.add(videoPost());
      const { status, body } = await service.post(post.url);
      expect([status, body.id]).toEqual([200, post.id]);
    }
    const { egress } = (await (await fetch(`${service.baseUrl}/health`)).json()) as {
      egress: { state: string; reason: string | null }[];
    };
    expect(egress.map(({ state, reason }) => [state === 'ok', reason])).toEqual([
      [false, 'country'],
      [true, null],
    ]);
    standin.refusals.clear();
  },
);

it.skipIf(!solvesChallenge)('asks another egress about a post that is withheld at the first', async () => {
  const post = standin.posts.add(statusPost(10204, 'cross_border_violation_ur'));
  const { body } = await service.post(post.url);
  expect(body.code).toBe('region_blocked');
});
