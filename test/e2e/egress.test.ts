import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type FakeGluetun, startGluetun } from '../helpers/gluetun.ts';
import { until } from '../helpers/processes.ts';
import { freePort, type Service, startService } from '../helpers/service.ts';
import { type Standin, startStandin } from '../helpers/standin/index.ts';

const KEY = 'gluetun key 0815';
let standin: Standin;
let service: Service | null = null;
let gluetun: FakeGluetun | null = null;
let lifts: (() => void)[] = [];
let lastId = 7_420_000_000_000_000_000n;

beforeAll(async () => {
  standin = await startStandin({ extraProxies: 1 });
});

afterEach(async () => {
  for (const lift of lifts) lift();
  lifts = [];
  await service?.stop();
  await gluetun?.close();
  service = null;
  gluetun = null;
});

afterAll(async () => {
  await standin.close();
});

interface EgressReport {
  name: string;
  state: string;
  reconnects?: number;
  reconnects_failed?: number;
  public_ip?: string | null;
}

async function start(env: Record<string, string>): Promise<Service> {
  service = await startService(standin, { MAX_WORKERS: '6', ...env });
  return service;
}

function freshUrl(): string {
  lastId += 1n;
  return `https://www.tiktok.com/@egress/video/${lastId}`;
}

function block(proxy?: number): () => void {
  const lift = standin.block(proxy === undefined ? {} : { proxy });
  lifts.push(lift);
  return lift;
}

async function egresses({ baseUrl }: Service): Promise<EgressReport[]> {
  return ((await (await fetch(`${baseUrl}/health`)).json()) as { egress: EgressReport[] }).egress;
}

function pagesAsked(): number {
  return standin.journal.find({ kind: 'page' }).length;
}

function bothProxies(): string {
  return standin.proxies.map(({ url }) => url).join(',');
}

describe('one address, refused', () => {
  it('is answered at once and honestly, is seldom asked, and comes back by itself', async () => {
    const { post, baseUrl } = await start({});
    expect((await post(freshUrl())).status).toBe(200);
    const lift = block();
    expect((await post(freshUrl())).body.code).toBe('ip_blocked');
    const before = pagesAsked();
    const answers = await Promise.all(Array.from({ length: 200 }, () => post(freshUrl())));
    expect(new Set(answers.map(({ body }) => body.code))).toEqual(new Set(['ip_blocked']));
    for (const { status, headers } of answers) {
      expect(status).toBe(503);
      expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
      expect(Number(headers.get('retry-after'))).toBeLessThanOrEqual(60);
    }
    // At the most a probe with its control, for the seconds that this took on a busy machine.
    expect(pagesAsked() - before).toBeLessThan(20);
    expect(await (await fetch(`${baseUrl}/health`)).json()).toMatchObject({ status: 'degraded' });
    lift();
    const lifted = Date.now();
    expect(await until(async () => (await post(freshUrl())).status === 200, 30_000)).toBe(true);
    process.stdout.write(`one address: back ${Date.now() - lifted} ms after the block was lifted\n`);
  });

  it('is not blamed for a post that TikTok refuses', async () => {
    const { post } = await start({});
    expect((await post(freshUrl())).status).toBe(200);
    for (let i = 0; i < 3; i += 1) {
      const refused = freshUrl();
      standin.faults.add({ post: refused.split('/').at(-1) ?? '' }, { kind: 'status', status: 403 });
      expect((await post(refused)).body.code).toBe('ip_blocked');
      expect((await post(freshUrl())).status).toBe(200);
    }
  });
});

describe('two proxies', () => {
  it('share the work; refused, one rests, its jobs move, and it comes back', async () => {
    const running = await start({ PROXY_URLS: bothProxies() });
    const { post } = running;
    standin.journal.clear();
    await Promise.all(Array.from({ length: 10 }, () => post(freshUrl())));
    expect([0, 1].map((proxy) => standin.journal.find({ kind: 'page', proxy }).length)).toEqual([5, 5]);
    const lift = block(0);
    const began = Date.now();
    const answers = await Promise.all(Array.from({ length: 20 }, () => post(freshUrl())));
    expect(answers.filter(({ status }) => status !== 200).map(({ body }) => body)).toEqual([]);
    process.stdout.write(`two proxies: 20 posts in ${Date.now() - began} ms while one became blocked\n`);
    expect((await egresses(running)).map(({ state }) => state === 'ok')).toEqual([false, true]);
    lift();
    const lifted = Date.now();
    const isBack = async () => {
      expect((await post(freshUrl())).status).toBe(200);
      return (await egresses(running)).every(({ state }) => state === 'ok');
    };
    expect(await until(isBack, 30_000)).toBe(true);
    process.stdout.write(`two proxies: the blocked one back after ${Date.now() - lifted} ms\n`);
  });

  it('of which one is dead cost no request', async () => {
    const dead = `http://127.0.0.1:${await freePort()}`;
    const running = await start({ PROXY_URLS: `${dead},${standin.proxyUrl}` });
    for (let i = 0; i < 6; i += 1) expect((await running.post(freshUrl())).status).toBe(200);
    expect((await egresses(running)).map(({ state }) => state)).toEqual(['blocked', 'ok']);
  });

  it('serve the media of a post through the one that fetched its page, after a renewal too', async () => {
    const { post } = await start({ PROXY_URLS: bothProxies() });
    const urls = Array.from({ length: 6 }, freshUrl);
    const links: string[] = [];
    for (const url of urls) links.push(String((await post(url)).body.download_link?.no_watermark));
    const proxyOf = (kind: 'page' | 'cdn', url: string) =>
      standin.journal.find({ kind, postId: url.split('/').at(-1) ?? '' }).at(-1)?.proxy;
    const pull = async (link: string) => {
      const response = await fetch(link);
      await response.arrayBuffer();
      expect(response.status).toBe(200);
    };
    for (const link of links) await pull(link);
    const pages = urls.map((url) => proxyOf('page', url));
    expect(new Set(pages)).toEqual(new Set([0, 1]));
    expect(urls.map((url) => proxyOf('cdn', url))).toEqual(pages);
    block(pages[0] ?? 0);
    standin.expireNow();
    for (const link of links) await pull(link);
    const other = pages[0] === 0 ? 1 : 0;
    expect(urls.map((url) => proxyOf('cdn', url))).toEqual(urls.map(() => other));
  });
});

describe('a VPN', () => {
  it('takes a new address: one reconnect for many jobs, no failed request', async () => {
    let lift = () => {};
    gluetun = await startGluetun(KEY, { tunnelMs: 1000, onNewAddress: () => lift() });
    const running = await start({ GLUETUN_URL: gluetun.url, GLUETUN_API_KEY: KEY });
    expect((await running.post(freshUrl())).status).toBe(200);
    lift = block();
    const began = Date.now();
    const answers = await Promise.all(Array.from({ length: 40 }, () => running.post(freshUrl())));
    process.stdout.write(`VPN: 40 posts in ${Date.now() - began} ms, with a tunnel that takes 1000 ms\n`);
    expect(answers.filter(({ status }) => status !== 200).map(({ body }) => body)).toEqual([]);
    expect(gluetun.requests).toEqual([
      'PUT /v1/vpn/status {"status":"stopped"}',
      'PUT /v1/vpn/status {"status":"running"}',
    ]);
    expect(await egresses(running)).toMatchObject([{ state: 'ok', reconnects: 1 }]);
    const showsNewAddress = async () => (await egresses(running))[0]?.public_ip === '198.51.100.2';
    expect(await until(showsNewAddress, 20_000)).toBe(true);
  });

  it('whose public address nobody tells is reconnected all the same, and works', async () => {
    let lift = () => {};
    const onNewAddress = () => lift();
    gluetun = await startGluetun(KEY, { tunnelMs: 100, onNewAddress, addressUnknown: true });
    const running = await start({ GLUETUN_URL: gluetun.url, GLUETUN_API_KEY: KEY });
    expect((await running.post(freshUrl())).status).toBe(200);
    lift = block();
    expect((await running.post(freshUrl())).status).toBe(200);
    expect(await egresses(running)).toMatchObject([
      { state: 'ok', reconnects: 1, reconnects_failed: 0, public_ip: null },
    ]);
    // An error of one post does not concern the tunnel.
    const failing = freshUrl();
    standin.faults.add({ post: failing.split('/').at(-1) ?? '' }, { kind: 'status', status: 500 });
    expect((await running.post(failing)).status).toBeGreaterThanOrEqual(500);
    expect(gluetun.reconnects).toBe(1);
  });

  it('is reconnected for the very first post as well', async () => {
    let lift = () => {};
    gluetun = await startGluetun(KEY, { tunnelMs: 100, onNewAddress: () => lift() });
    lift = block();
    const { post } = await start({ GLUETUN_URL: gluetun.url, GLUETUN_API_KEY: KEY });
    expect((await post(freshUrl())).status).toBe(200);
    expect(gluetun.reconnects).toBe(1);
  });

  it.each([
    ['does not accept the key', async () => gluetun?.url ?? ''],
    ['is not there', async () => `http://127.0.0.1:${await freePort()}`],
  ])('whose control server %s leaves an honest refusal and a line in the log', async (_, address) => {
    gluetun = await startGluetun('another key', { tunnelMs: 100, onNewAddress: () => {} });
    const running = await start({ GLUETUN_URL: await address(), GLUETUN_API_KEY: KEY });
    block();
    const { status, body, headers } = await running.post(freshUrl());
    expect([status, body.code]).toEqual([503, 'ip_blocked']);
    expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    const isLogged = () => running.log.some(({ msg }) => msg === 'the VPN could not be reconnected');
    expect(await until(isLogged, 5000)).toBe(true);
    expect(JSON.stringify(running.log)).not.toContain(KEY);
    expect(await egresses(running)).toMatchObject([
      { state: 'blocked', reconnects: 0, reconnects_failed: 1 },
    ]);
    expect(gluetun.reconnects).toBe(0);
  });
});
