/** TikTok refuses its page, for good or for a while: every post still comes, and /health says so. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { download, outcomeOf } from '../helpers/download.ts';
import { solvesChallenge } from '../helpers/engine.ts';
import { type Service, startService } from '../helpers/service.ts';
import {
  photoPost,
  type Standin,
  type StandinPost,
  startStandin,
  videoPost,
} from '../helpers/standin/index.ts';

let standin: Standin;
let service: Service;

beforeAll(async () => {
  standin = await startStandin();
  service = await startService(standin, { CACHE_TTL: '0' });
});

afterEach(() => standin.refusals.clear());

afterAll(async () => {
  await service?.stop();
  await standin?.close();
});

const somePosts = (count: number): StandinPost[] =>
  Array.from({ length: count }, (_, index) =>
    standin.posts.add(index % 4 === 3 ? photoPost({ photos: ['portrait_1', 'portrait_2'] }) : videoPost()),
  );

async function timed(post: StandinPost): Promise<{ ms: number; status: number; source: unknown }> {
  const started = performance.now();
  const { status, body } = await service.post(post.url);
  return { ms: performance.now() - started, status, source: body.source };
}

const median = (values: number[]): number =>
  values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

async function health(): Promise<{ status: string; reasons: string[] }> {
  return (await (await fetch(`${service.baseUrl}/health`)).json()) as { status: string; reasons: string[] };
}

/** Seconds until /health holds, while posts are asked for. */
async function secondsUntil(holds: (now: { status: string; reasons: string[] }) => boolean): Promise<number> {
  const started = performance.now();
  while (performance.now() - started < 30_000) {
    const [post] = somePosts(1);
    if (post) await service.post(post.url);
    if (holds(await health())) return (performance.now() - started) / 1000;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return Number.POSITIVE_INFINITY;
}

describe.skipIf(!solvesChallenge)('where TikTok refuses its page', () => {
  it('answers 100 of 100 posts with whole files, nearly as fast as from the page', async () => {
    const usual: number[] = [];
    for (const post of somePosts(30)) usual.push((await timed(post)).ms);
    standin.refusals.add({ source: 'page', kind: 'maintenance' });
    const times: number[] = [];
    for (const [index, post] of somePosts(100).entries()) {
      const { ms, status, source } = await timed(post);
      expect([index, status]).toEqual([index, 200]);
      expect(source).not.toBe('page');
      if (index > 0) times.push(ms);
    }
    process.stdout.write(
      `\n${median(times).toFixed()} ms a post, from the page ${median(usual).toFixed()}\n`,
    );
    // Half as long again on a quiet machine; a refused page that is asked each time costs several times as long.
    expect(median(times) / median(usual)).toBeLessThan(4);
  });

  it('serves whole files, ranges, MP3 and slideshow of such a post', async () => {
    standin.refusals.add({ source: 'page', kind: 'maintenance' });
    const video = standin.posts.add(videoPost({ music: 'mp3' }));
    const { body } = await service.post(video.url);
    const link = String(body.download_link?.no_watermark);
    const formats = body.formats as { link: string; codec: string; width: number }[];
    const index = video.renditions.findIndex((name) => name.startsWith('h264'));
    const whole = await download(link);
    expect(whole.whole).toBe(true);
    const truths = video.renditions.map((_, i) =>
      standin.media.sha256({ post: video, part: 'video', index: i }),
    );
    expect(truths).toContain(whole.sha256);
    expect(index).toBeGreaterThanOrEqual(0);
    expect(formats.length).toBeGreaterThan(0);
    const part = await download(link, { headers: { range: 'bytes=100-199' } });
    expect([part.status, part.bytes]).toEqual([206, 100]);
    const mp3 = await download(String(body.download_link?.mp3));
    expect([mp3.status, mp3.headers.get('content-type')]).toEqual([200, 'audio/mpeg']);
    const photos = standin.posts.add(photoPost({ photos: ['portrait_1', 'portrait_2'] }));
    const picker = (await service.post(photos.url)).body;
    const first = [picker.download_link?.no_watermark].flat()[0];
    expect(
      outcomeOf(
        await download(String(first)),
        standin.media.sha256({ post: photos, part: 'photo', index: 0 }),
      ),
    ).toBe('whole file');
    const slideshow = await download(String(picker.download_slideshow_link));
    expect([slideshow.status, slideshow.headers.get('content-type')]).toEqual([200, 'video/mp4']);
  });

  it('fails no request when the page breaks and heals under load, and says both soon', async () => {
    await secondsUntil(({ status }) => status === 'ok');
    let running = true;
    const statuses: number[] = [];
    const load = Promise.all(
      Array.from({ length: 100 }, async () => {
        while (running) for (const post of somePosts(1)) statuses.push((await service.post(post.url)).status);
      }),
    );
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const rule = standin.refusals.add({ source: 'page', kind: 'maintenance' });
    const broke = await secondsUntil(
      ({ status, reasons }) => status === 'degraded' && /the page/.test(reasons.join()),
    );
    await new Promise((resolve) => setTimeout(resolve, 3000));
    rule.remove();
    const healed = await secondsUntil(({ status }) => status === 'ok');
    running = false;
    await load;
    expect(new Set(statuses)).toEqual(new Set([200]));
    process.stdout.write(`\nsaid after ${broke.toFixed(1)} s, healed after ${healed.toFixed(1)} s\n`);
    // Within five seconds on a quiet machine.
    expect([broke, healed].every(Number.isFinite)).toBe(true);
  });
});
