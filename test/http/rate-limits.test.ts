import { afterEach, describe, expect, it } from 'vitest';
import { buildTestApp, fakeExtractor, postOf, type TestApp } from '../helpers/app.ts';

let app: TestApp;

afterEach(() => app.close());

const POST = 'https://www.tiktok.com/@limits/video/7400000000000004242';
const NO_POST = 'https://example.com/';
const from = (address: string) => ({ 'x-forwarded-for': address });

/** The statuses of one request of each client, in order. */
async function statuses(clients: string[]): Promise<number[]> {
  const answers: number[] = [];
  for (const client of clients) answers.push((await app.post(POST, from(client))).status);
  return answers;
}

describe('RATE_LIMIT_MAX', () => {
  it('counts requests, announces the count, and answers 429 beyond it with Retry-After', async () => {
    app = await buildTestApp({ RATE_LIMIT_MAX: '3' });
    const remaining: unknown[] = [];
    for (const url of [POST, NO_POST, POST]) {
      const { headers } = await app.post(url);
      expect(headers['ratelimit-limit']).toBe('3');
      expect(Number(headers['ratelimit-reset'])).toBeGreaterThan(0);
      remaining.push(headers['ratelimit-remaining']);
    }
    expect(remaining).toEqual(['2', '1', '0']);
    const { status, body, headers } = await app.post(POST);
    expect([status, body.code, body.retryable]).toEqual([429, 'rate_limited', true]);
    expect(body.retry_after).toBe(Number(headers['retry-after']));
    expect(body.retry_after).toBeGreaterThan(0);
    expect(body.retry_after).toBeLessThanOrEqual(60);
    expect((await app.server.inject('/health')).statusCode).toBe(200);
  });

  it('counts by the connection where no proxy is trusted, whatever X-Forwarded-For says', async () => {
    app = await buildTestApp({ RATE_LIMIT_MAX: '2' });
    expect(await statuses(['192.0.2.1', '192.0.2.2', '192.0.2.3'])).toEqual([200, 200, 429]);
  });

  it('counts by the client behind a trusted proxy', async () => {
    app = await buildTestApp({ RATE_LIMIT_MAX: '1', TRUST_PROXY: 'loopback' });
    expect(await statuses(['192.0.2.1', '192.0.2.2', '192.0.2.1'])).toEqual([200, 200, 429]);
    // The client itself wrote what stands left of the address that the proxy saw.
    expect(await statuses(['198.51.100.7, 192.0.2.1', '192.0.2.9, 192.0.2.3'])).toEqual([429, 200]);
  });

  it('counts by the address that the outermost of a number of proxies saw', async () => {
    app = await buildTestApp({ RATE_LIMIT_MAX: '1', TRUST_PROXY: '1' });
    expect(await statuses(['10.9.9.9, 192.0.2.1', '10.8.8.8, 192.0.2.1', '192.0.2.2'])).toEqual([
      200, 429, 200,
    ]);
  });

  it('takes an IPv6 /64, an IPv4 address in any spelling, and all that is no address, for one client each', async () => {
    app = await buildTestApp({ RATE_LIMIT_MAX: '1', TRUST_PROXY: 'true' });
    expect(await statuses(['2001:db8:1:2::1', '2001:db8:1:2:ffff::9', '2001:db8:1:3::1'])).toEqual([
      200, 429, 200,
    ]);
    expect(await statuses(['192.0.2.1', '::ffff:192.0.2.1', '192.0.2.1:4711'])).toEqual([200, 429, 429]);
    expect(await statuses(['[2001:db8:1:2::77]:443'])).toEqual([429]);
    expect(await statuses(['nobody', 'x'.repeat(5000), '999.1.1.1'])).toEqual([200, 429, 429]);
  });

  it('lets an IPv6 /56 send twice as many as a /64, and a /48 four times', async () => {
    app = await buildTestApp({ RATE_LIMIT_MAX: '2', TRUST_PROXY: 'true' });
    const hex = (n: number) => n.toString(16).padStart(2, '0');
    const passed = async (address: (n: number) => string) => {
      const clients = Array.from({ length: 40 }, (_, n) => address(n));
      return (await statuses(clients)).filter((status) => status === 200).length;
    };
    expect(await passed((n) => `2001:db8:1:1::${hex(n)}`)).toBe(2);
    expect(await passed((n) => `2001:db8:2:1${hex(n)}::1`)).toBe(4);
    expect(await passed((n) => `2001:db8:3:${hex(n)}00::1`)).toBe(8);
    expect(await passed((n) => `2001:db8:${hex(n)}ff::1`)).toBe(40);
  });

  it('does not count for the neighbours of a /64 what is rejected there', async () => {
    app = await buildTestApp({ RATE_LIMIT_MAX: '2', TRUST_PROXY: 'true' });
    await statuses(Array.from({ length: 50 }, () => '2001:db8:1:1::1'));
    expect(await statuses(['2001:db8:1:2::1', '2001:db8:1:2::2', '2001:db8:1:2::3'])).toEqual([
      200, 200, 429,
    ]);
  });

  it('counts nothing where it is 0', async () => {
    app = await buildTestApp({ RATE_LIMIT_MAX: '0' });
    const answers = await Promise.all(Array.from({ length: 200 }, () => app.post(NO_POST)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([400]));
    expect(answers[0]?.headers['ratelimit-limit']).toBeUndefined();
  });

  it('counts slideshows together with posts', async () => {
    const photo = { kind: 'photo', photos: [{ urls: ['https://p16-sign.tiktokcdn-us.com/1'] }] };
    const extractor = fakeExtractor(async (link) => postOf(link, photo as never));
    app = await buildTestApp({ RATE_LIMIT_MAX: '1' }, { extractor });
    const { body } = await app.post(POST);
    const { pathname, search } = new URL(String(body.download_slideshow_link));
    const response = await app.server.inject(pathname + search);
    expect([response.statusCode, response.json().code]).toEqual([429, 'rate_limited']);
  });
});

describe('DOWNLOADS_PER_MINUTE', () => {
  /** A photo post whose files are nowhere, so that each download fails, after it was counted. */
  async function photoLinks(photos: number): Promise<{ zip: string; photo: string }> {
    const shape = {
      kind: 'photo',
      photos: Array.from({ length: photos }, (_, n) => ({ urls: [`https://example.com/${n}`] })),
    };
    const extractor = fakeExtractor(async (link) => postOf(link, shape as never));
    app = await buildTestApp({ DOWNLOADS_PER_MINUTE: '10' }, { extractor });
    const { download_link: links } = (await app.post(POST)).body;
    return { zip: String(links?.zip), photo: String(links?.no_watermark?.[0]) };
  }

  const statusOf = async (link: string, method: 'GET' | 'HEAD' = 'GET') => {
    const { pathname, search } = new URL(link);
    return (await app.server.inject({ method, url: pathname + search })).statusCode;
  };

  it('counts each request for a file, and answers 429 beyond it', async () => {
    const { photo } = await photoLinks(1);
    for (let n = 0; n < 10; n += 1) expect(await statusOf(photo)).not.toBe(429);
    expect(await statusOf(photo)).toBe(429);
    expect((await app.post(POST)).status).toBe(200);
  });

  it('counts a zip as its photos, also for HEAD', async () => {
    const { zip, photo } = await photoLinks(4);
    expect(await statusOf(zip, 'HEAD')).not.toBe(429);
    expect(await statusOf(zip)).not.toBe(429);
    expect(await statusOf(zip)).toBe(429);
    expect(await statusOf(photo)).toBe(429);
  });
});
