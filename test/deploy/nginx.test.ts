import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { locateFfmpeg } from '../../src/ffmpeg/locate.ts';
import { until } from '../helpers/processes.ts';
import { NO_REDIS, TestRedis } from '../helpers/redis.ts';
import { type Body, freePort, type Service, startService } from '../helpers/service.ts';
import { type Standin, scenario, startStandin } from '../helpers/standin/index.ts';
import { CLIENT_HEADER, type Nginx, nginxVersion, startNginx } from './nginx.ts';

const INSTANCES = 3;
const PHOTO = scenario('photos, 3').url;
if (NO_REDIS) console.warn(`the instances behind nginx share no Redis: ${NO_REDIS}`);
const hasFfmpeg = locateFfmpeg(fileURLToPath(new URL('../..', import.meta.url))) !== null;

const PER_MINUTE = 10;

let redis: TestRedis | null = null;
let standin: Standin;
let services: Service[];
let nginx: Nginx;
let posted = 0;

const portOf = (service: Service) => `127.0.0.1:${new URL(service.baseUrl).port}`;

/** A new post and a new client each time, so that nothing is cached or limited. */
async function post(
  url = freshPost(),
  client = `198.51.${posted >> 8}.${posted & 255}`,
): Promise<{ status: number; body: Body; id: string }> {
  const answer = await fetch(`${nginx.baseUrl}/tiktok`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      [CLIENT_HEADER]: client,
      'x-forwarded-for': `192.0.2.${posted & 255}`,
    },
    body: JSON.stringify({ url }),
  });
  const id = answer.headers.get('x-request-id') ?? '';
  return { status: answer.status, body: (await answer.json()) as Body, id };
}

function freshPost(): string {
  posted += 1;
  return `https://www.tiktok.com/@standin/video/${7_400_000_000_000_000_000n + BigInt(posted)}`;
}

const link = ({ download_link }: Body, name: string) => String(download_link?.[name]);

/** The instances that nginx tried for the request with this id. */
async function triedFor(id: string): Promise<string[]> {
  let line = nginx.log().find((one) => one.requestId === id);
  await until(() => {
    line = nginx.log().find((one) => one.requestId === id);
    return line !== undefined;
  }, 5000);
  return line?.upstreams ?? [];
}

/** Requests `count` posts, `sideBySide` at a time, and calls `halfway` when half of them have been answered. */
async function load(count: number, sideBySide: number, halfway: () => void) {
  const answers: Awaited<ReturnType<typeof post>>[] = [];
  let begun = 0;
  const one = async () => {
    while (begun < count) {
      begun += 1;
      answers.push(await post());
      if (answers.length === Math.floor(count / 2)) halfway();
    }
  };
  await Promise.all(Array.from({ length: sideBySide }, one));
  return answers;
}

describe.skipIf(nginxVersion() === null)('three instances behind nginx', () => {
  beforeEach(async () => {
    // Some latency, so that instances have requests in progress when they are killed.
    standin = await startStandin({ extraProxies: INSTANCES - 1, latencyMs: 30 });
    const port = await freePort();
    redis = NO_REDIS === null ? await TestRedis.start() : null;
    const env = {
      BASE_URL: `http://127.0.0.1:${port}`,
      TRUST_PROXY: '1',
      MAX_WORKERS: '2',
      RATE_LIMIT_MAX: String(PER_MINUTE),
      ...(redis && { REDIS_URL: redis.url }),
    };
    services = await Promise.all(
      standin.proxies.map(({ url }) => startService(standin, { ...env, PROXY_URLS: url })),
    );
    nginx = await startNginx(
      services.map((service) => Number(new URL(service.baseUrl).port)),
      port,
    );
  });

  afterEach(async () => {
    await nginx.stop();
    await Promise.all(services.map((service) => service.stop()));
    await redis?.stop();
    await standin.close();
  });

  it('serves a link of one instance from every other', async () => {
    const { body, id } = await post();
    const [maker] = await triedFor(id);
    const url = link(body, 'no_watermark_hd');
    expect(url.startsWith(`${nginx.baseUrl}/stream?data=`)).toBe(true);
    const servers = new Set<string>();
    for (let i = 0; i < 2 * INSTANCES; i++) {
      const answer = await fetch(url);
      const bytes = Buffer.from(await answer.arrayBuffer());
      expect(answer.status).toBe(200);
      const asked = standin.requests.findLast(({ kind, part }) => kind === 'cdn' && part === 'video');
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(standin.media.sha256(asked?.url ?? ''));
      for (const server of await triedFor(answer.headers.get('x-request-id') ?? '')) servers.add(server);
    }
    servers.delete(maker ?? '');
    expect(servers.size).toBe(INSTANCES - 1);
  });

  it('answers every POST /tiktok when an instance is killed under load', async () => {
    const [victim] = services as [Service, ...Service[]];
    const answers = await load(240, 12, () => victim.kill('SIGKILL'));
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    await victim.exited;
    const again = nginx.log().filter(({ upstreams }) => upstreams.length > 1);
    expect(again.length).toBeGreaterThan(0);
    expect(again.every(({ upstreams }) => upstreams[0] === portOf(victim))).toBe(true);
  });

  it('answers every POST /tiktok when an instance is replaced under load', async () => {
    const [old] = services as [Service, ...Service[]];
    let ended: Promise<number | null> | null = null;
    const answers = await load(240, 12, () => {
      ended = old.stop();
    });
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    expect(await ended).toBe(0);
  });

  it.skipIf(NO_REDIS !== null)(
    'all instances together limit a client, whatever address it claims',
    async () => {
      const url = freshPost();
      const answers: number[] = [];
      for (let i = 0; i < 3 * PER_MINUTE; i++) answers.push((await post(url, '203.0.113.5')).status);
      expect(answers.filter((status) => status === 200)).toHaveLength(PER_MINUTE);
      expect(answers.filter((status) => status === 429)).toHaveLength(2 * PER_MINUTE);
      expect((await post(url, '203.0.113.6')).status).toBe(200);
    },
  );

  it('repeats a POST on another instance when TikTok blocks the first one’s address', async () => {
    standin.block({ proxy: 1 });
    // nginx may leave the instance out for a while, after the tests before.
    const isRepeated = async () => {
      const answers = await load(12, 2, () => undefined);
      expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
      return nginx.log().some(({ upstreams }) => upstreams.length > 1);
    };
    expect(await until(isRepeated, 30_000)).toBe(true);
  });

  it('sends the beginning of a video before its end has arrived', async () => {
    const { body } = await post();
    standin.faults.add({ post: String(body.id), part: 'video' }, { kind: 'stall', after: 5000 });
    const leaving = new AbortController();
    const answer = await fetch(link(body, 'no_watermark_hd'), { signal: leaving.signal });
    const first = await answer.body?.getReader().read();
    expect(Buffer.from(first?.value ?? []).toString('latin1', 4, 8)).toBe('ftyp');
    expect(Number(answer.headers.get('content-length'))).toBeGreaterThan(5000);
    leaving.abort();
  });

  it('passes a range on', async () => {
    const { body } = await post();
    const answer = await fetch(link(body, 'no_watermark_hd'), { headers: { range: 'bytes=4-7' } });
    expect([answer.status, await answer.text()]).toEqual([206, 'ftyp']);
    expect(answer.headers.get('content-range')).toMatch(/^bytes 4-7\/\d+$/);
  });

  it.skipIf(!hasFfmpeg)('sends the progress of a slideshow while it is rendered', async () => {
    const { body } = await post(PHOTO);
    const slideshow = String(body.download_slideshow_link);
    const progress = await fetch(slideshow.replace('/download-slideshow?', '/download-slideshow/progress?'));
    expect(progress.headers.get('content-type')).toContain('text/event-stream');
    const reader = progress.body?.pipeThrough(new TextDecoderStream()).getReader();
    // The slideshow is not requested yet: this came while the response is open.
    expect((await reader?.read())?.value).toContain('retry:');
    const rendered = fetch(slideshow);
    let events = '';
    for (;;) {
      const part = await reader?.read();
      if (!part || part.done) break;
      events += part.value;
    }
    expect(events).toContain('"stage":"done"');
    expect((await rendered).status).toBe(200);
    await (await rendered).arrayBuffer();
    const made = await triedFor((await rendered).headers.get('x-request-id') ?? '');
    const watched = await triedFor(progress.headers.get('x-request-id') ?? '');
    expect(made).toEqual(watched);
  });
});
