import { get, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytesOfLink, download, linkOf, outcomeOf, truthOf } from '../helpers/download.ts';
import { until } from '../helpers/processes.ts';
import { type Service, startService } from '../helpers/service.ts';
import {
  photoPost,
  type Standin,
  type StandinPost,
  startStandin,
  videoPost,
} from '../helpers/standin/index.ts';

let standin: Standin;
const running: Service[] = [];

beforeAll(async () => {
  standin = await startStandin();
});

afterAll(async () => {
  await Promise.all(running.map((service) => service.stop()));
  await standin.close();
});

async function serviceWith(env: Record<string, string>): Promise<Service> {
  const service = await startService(standin, { MAX_WORKERS: '1', ...env });
  running.push(service);
  return service;
}

const POST = 'https://www.tiktok.com/@limits/video/7400000000000004242';
const NO_POST = 'https://example.com/';
const from = (address: string) => ({ 'x-forwarded-for': address });

/** The statuses of so many requests, one after the other. */
async function statuses(service: Service, clients: string[]): Promise<number[]> {
  const answers: number[] = [];
  for (const client of clients) answers.push((await service.post(POST, from(client))).status);
  return answers;
}

describe('requests per client and minute', () => {
  it('are counted, announced, and refused beyond the limit with a time to come back', async () => {
    const service = await serviceWith({ RATE_LIMIT_MAX: '3' });
    const remaining: (string | null)[] = [];
    for (const url of [POST, NO_POST, POST]) {
      const { headers } = await service.post(url);
      expect(headers.get('ratelimit-limit')).toBe('3');
      expect(Number(headers.get('ratelimit-reset'))).toBeGreaterThan(0);
      remaining.push(headers.get('ratelimit-remaining'));
    }
    expect(remaining).toEqual(['2', '1', '0']);
    const { status, body, headers } = await service.post(POST);
    expect([status, body.code, body.retryable]).toEqual([429, 'rate_limited', true]);
    expect(body.retry_after).toBe(Number(headers.get('retry-after')));
    expect(body.retry_after).toBeGreaterThan(0);
    expect(body.retry_after).toBeLessThanOrEqual(60);
    // The rest of the service does not care.
    expect((await fetch(`${service.baseUrl}/health`)).status).toBe(200);
  });

  it('are those of the socket where no proxy is trusted: X-Forwarded-For may say what it likes', async () => {
    const service = await serviceWith({ RATE_LIMIT_MAX: '2' });
    expect(await statuses(service, ['192.0.2.1', '192.0.2.2', '192.0.2.3'])).toEqual([200, 200, 429]);
  });

  it('are those of the visitor behind a trusted proxy', async () => {
    const service = await serviceWith({ RATE_LIMIT_MAX: '1', TRUST_PROXY: 'loopback' });
    expect(await statuses(service, ['192.0.2.1', '192.0.2.2', '192.0.2.1'])).toEqual([200, 200, 429]);
    // What stands left of the address that the trusted proxy saw was written by the visitor himself.
    expect(await statuses(service, ['198.51.100.7, 192.0.2.1', '192.0.2.9, 192.0.2.3'])).toEqual([429, 200]);
  });

  it('with a number of proxies, are those of the address that the outermost of them saw', async () => {
    const service = await serviceWith({ RATE_LIMIT_MAX: '1', TRUST_PROXY: '1' });
    expect(await statuses(service, ['10.9.9.9, 192.0.2.1', '10.8.8.8, 192.0.2.1', '192.0.2.2'])).toEqual([
      200, 429, 200,
    ]);
  });

  it('take an IPv6 network of 64 bits, an IPv4 address in whatever spelling, and all nonsense, for one client', async () => {
    const service = await serviceWith({ RATE_LIMIT_MAX: '1', TRUST_PROXY: 'true' });
    expect(await statuses(service, ['2001:db8:1:2::1', '2001:db8:1:2:ffff::9', '2001:db8:1:3::1'])).toEqual([
      200, 429, 200,
    ]);
    expect(await statuses(service, ['192.0.2.1', '::ffff:192.0.2.1', '192.0.2.1:4711'])).toEqual([
      200, 429, 429,
    ]);
    expect(await statuses(service, ['[2001:db8:1:2::77]:443'])).toEqual([429]);
    expect(await statuses(service, ['nobody', 'x'.repeat(5000), '999.1.1.1'])).toEqual([200, 429, 429]);
  });

  it('are not counted at all with RATE_LIMIT_MAX=0', async () => {
    const service = await serviceWith({ RATE_LIMIT_MAX: '0' });
    const answers = await Promise.all(Array.from({ length: 200 }, () => service.post(NO_POST)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([400]));
    expect(answers[0]?.headers.get('ratelimit-limit')).toBeNull();
  });

  it('count slideshows too', async () => {
    const service = await serviceWith({ RATE_LIMIT_MAX: '1' });
    const { body } = await service.post(standin.posts.add(photoPost({ photos: 1 })).url);
    const got = await download(String(body.download_slideshow_link));
    expect([got.status, got.code]).toEqual([429, 'rate_limited']);
  });
});

describe('downloads at a time', () => {
  /** Opens a download and reads nothing. */
  function open(link: string, headers: Record<string, string> = {}) {
    const request = get(link, { headers, agent: false });
    request.on('error', () => {});
    const answer = new Promise<IncomingMessage>((resolve) => request.once('response', resolve));
    return { answer, leave: () => request.destroy() };
  }

  it('are 32 for one client; others are served, and a slot is free again when a download has ended or was left', async () => {
    const service = await serviceWith({ RATE_LIMIT_MAX: '1000', TRUST_PROXY: 'true' });
    const big = standin.posts.add(videoPost({ bigBytes: 40 * 1024 * 1024 }));
    const small: StandinPost = standin.posts.add(videoPost());
    const [bigLink, smallLink] = [await linkOf(service, big), await linkOf(service, small)];
    const truth = truthOf(standin, small);
    const mine = { headers: from('192.0.2.1') };
    const open32 = Array.from({ length: 32 }, () => open(bigLink, mine.headers));
    const statuses32 = await Promise.all(open32.map(async ({ answer }) => (await answer).statusCode));
    expect(new Set(statuses32)).toEqual(new Set([200]));

    const refused = await download(smallLink, mine);
    expect([refused.status, refused.code]).toEqual([503, 'busy']);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    const progress = await download(
      smallLink.replace('/stream?data', '/download-slideshow/progress?url'),
      mine,
    );
    expect(progress.code).toBe('busy');
    expect(outcomeOf(await download(smallLink, { headers: from('192.0.2.2') }), truth)).toBe('whole file');
    expect((await service.post(small.url, mine.headers)).status).toBe(200);

    open32[0]?.leave();
    const served = async () => outcomeOf(await download(smallLink, mine), truth) === 'whole file';
    expect(await until(served, 5000)).toBe(true);
    // And the slot of that one too, which ended by itself.
    expect(await until(served, 5000)).toBe(true);
    for (const { leave } of open32) leave();
    const again = await Promise.all(
      Array.from({ length: 32 }, (_, index) =>
        download(`${smallLink}&inline=1`, { ...mine, method: index % 2 ? 'GET' : 'HEAD' }),
      ),
    );
    expect(again.filter(({ status }) => status !== 200)).toEqual([]);
    expect(bytesOfLink(standin, small).length).toBe(again[1]?.bytes);
  });
});
