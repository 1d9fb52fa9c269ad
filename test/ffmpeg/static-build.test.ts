/**
 * The ffmpeg that set-up brings where a machine has none is newer than most systems', and says and does some things
 * otherwise: 7.0 reports no frames of a copied stream, for which every slideshow failed.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromWheel } from '../../scripts/setup/ffmpeg.mjs';
import { makeMp3 } from '../../src/audio/conversion.ts';
import { planSlideshow } from '../../src/slideshow/plan.ts';
import { SlideshowRenderer } from '../../src/slideshow/renderer.ts';
import { frameSums, loudness, quarters, tone } from '../slideshow/media.ts';

const { path: ffmpegPath, why } = await staticFfmpeg();
if (!ffmpegPath) process.stdout.write(`the static ffmpeg is not tested: ${why}\n`);

/** Out of the wheel, once for each machine. */
async function staticFfmpeg(): Promise<{ path?: string; why?: string }> {
  const root = join(tmpdir(), 'tiktok-downloader-static-ffmpeg');
  const path = join(root, '.ffmpeg/ffmpeg');
  if (existsSync(path)) return { path };
  mkdirSync(root, { recursive: true });
  const { path: found, why: reason } = await fromWheel(root);
  return found ? { path } : { why: reason ?? 'unknown' };
}

describe.skipIf(!ffmpegPath)('the static ffmpeg', () => {
  let dir: string;
  let sound: string;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'static-ffmpeg-'));
    sound = await tone(join(dir, 'sound.mp3'), 1);
  });

  afterAll(() => rm(dir, { recursive: true, force: true }));

  it('makes a slideshow of photos and music', async () => {
    const photos = [join(dir, '1.jpg'), join(dir, '2.jpg')];
    await quarters(540, 720)
      .jpeg()
      .toFile(photos[0] ?? '');
    await quarters(720, 540)
      .jpeg()
      .toFile(photos[1] ?? '');
    const output = join(dir, 'slideshow.mp4');
    const failures: unknown[] = [];
    const log = { warn: (...what: unknown[]) => void failures.push(what) };
    await new SlideshowRenderer({ ffmpegPath: ffmpegPath ?? '', log }).render(
      { photos, sound, slideSeconds: 2, canvas: 'auto', output },
      { onSlide: () => {}, signal: new AbortController().signal },
    );
    const plan = planSlideshow(photos.length, 2);
    const sums = await frameSums(output);
    expect(sums.length).toBe(plan.totalFrames);
    const [first = 0] = plan.slideFrames;
    expect([new Set(sums.slice(0, first)).size, new Set(sums.slice(first)).size]).toEqual([1, 1]);
    expect(sums[0]).not.toBe(sums[first]);
    expect(await loudness(output, 2, 3)).toBeGreaterThan(-40);
    expect(failures).toEqual([]);
  });

  it('makes an MP3', async () => {
    const mp3 = join(dir, 'made.mp3');
    const tags = { title: 'Two words', artist: 'somebody', album: '' };
    await makeMp3({ sound, tags, cover: null }, mp3, {
      ffmpegPath: ffmpegPath ?? '',
      signal: new AbortController().signal,
    });
    expect(await loudness(mp3, 0, 1)).toBeGreaterThan(-40);
  });
});
