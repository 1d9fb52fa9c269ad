import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { linkOf } from '../helpers/download.ts';
import { type Service, startService } from '../helpers/service.ts';
import { type Standin, startStandin, videoPost } from '../helpers/standin/index.ts';
import { CHROMIUM } from '../web/browser.ts';

/** `<video>` in a real browser, on another site's page, as a frontend embeds it. */

const SECONDS = 60;

let standin: Standin;
let service: Service;
let browser: Browser;
let page: Server;
let size: number;

interface Playing {
  duration: number;
  width: number;
  /** Seconds: where it was before the seek, where to, and where it was then. */
  first: number;
  target: number;
  after: number;
  seekable: number;
}

/** The frontend's page. */
const PAGE = `<!doctype html><title>frontend</title><script>
async function play(src) {
  const video = document.createElement('video');
  video.muted = true;
  video.src = src;
  document.body.append(video);
  const event = (name) =>
    new Promise((resolve, reject) => {
      video.addEventListener(name, () => resolve(), { once: true });
      video.addEventListener('error', () => reject(new Error(video.error.message)), { once: true });
    });
  const advanced = async (from) => {
    while (video.currentTime <= from + 0.3) await event('timeupdate');
    return video.currentTime;
  };
  const starting = video.play();
  await event('loadedmetadata');
  await starting;
  const first = await advanced(0);
  const target = video.duration * 0.8;
  const seeked = event('seeked');
  video.currentTime = target;
  await seeked;
  const after = await advanced(target);
  const seekable = video.seekable.end(0);
  return { duration: video.duration, width: video.videoWidth, first, target, after, seekable };
}
</script>`;

/** Too large to be buffered whole, so that a seek needs a range. */
function longVideo(): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'video-'));
  try {
    const path = join(folder, 'long.mp4');
    const picture = ['-f', 'lavfi', '-i', `testsrc2=s=640x360:r=10:d=${SECONDS},noise=alls=60:allf=t`];
    const sound = ['-f', 'lavfi', '-i', `sine=frequency=440:duration=${SECONDS}`];
    const coding = [
      '-c:v',
      'libx264',
      '-preset',
      'ultrafast',
      '-b:v',
      '4M',
      '-g',
      '10',
      '-pix_fmt',
      'yuv420p',
    ];
    const rest = ['-c:a', 'aac', '-movflags', '+faststart', path];
    execFileSync(process.env.FFMPEG_PATH || 'ffmpeg', [
      '-v',
      'error',
      ...picture,
      ...sound,
      ...coding,
      ...rest,
    ]);
    return readFileSync(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe.skipIf(!CHROMIUM)('a <video> on the page of another site', () => {
  beforeAll(async () => {
    standin = await startStandin();
    service = await startService(standin, { MAX_WORKERS: '1' });
    page = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end(PAGE);
    }).listen(0, '127.0.0.1');
    browser = await chromium.launch({
      executablePath: CHROMIUM ?? '',
      args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required', '--mute-audio'],
    });
  });

  afterAll(async () => {
    await browser?.close();
    page?.close();
    await service?.stop();
    await standin?.close();
  });

  it.each(['', '&inline=1'])('plays and seeks by ranges (%s)', async (suffix) => {
    const post = standin.posts.add(videoPost({ ownVideo: longVideo() }));
    const link = `${await linkOf(service, post)}${suffix}`;
    size = standin.media.content({ post, part: 'video' }).size;
    const tab = await browser.newPage();
    await tab.goto(`http://localhost:${(page.address() as AddressInfo).port}/`);
    const seen: Playing = await tab.evaluate(`play(${JSON.stringify(link)})`);
    expect(seen.duration).toBeCloseTo(SECONDS, 0);
    expect(seen.width).toBe(640);
    expect(seen.first).toBeGreaterThan(0.3);
    expect(seen.after).toBeGreaterThan(seen.target + 0.3);
    expect(seen.seekable).toBeCloseTo(seen.duration, 0);
    // It fetched from near the target, and did not read its way there.
    const starts = standin.journal
      .find({ postId: post.id, kind: 'cdn' })
      .map(({ headers }) => Number(/^bytes=(\d+)-/.exec(headers.range ?? '')?.[1] ?? 0));
    expect(starts.some((start) => start > size * 0.6)).toBe(true);
    await tab.close();
  });
});
