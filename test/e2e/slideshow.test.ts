import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Body, type Service, startService } from '../helpers/service.ts';
import { photoPost, SOUND_SECONDS, type Standin, startStandin } from '../helpers/standin/index.ts';
import { ffmpeg, frameSums } from '../slideshow/media.ts';

const dir = mkdtempSync(join(tmpdir(), 'slideshow-'));
let standin: Standin;
let service: Service;
let link: string;

beforeAll(async () => {
  standin = await startStandin();
  service = await startService(standin, { MAX_WORKERS: '2' });
  const post = standin.posts.add(photoPost({ photos: ['portrait_1', 'portrait_2', 'portrait_3'] }));
  link = String((await service.post(post.url)).body.download_slideshow_link);
});

afterAll(async () => {
  await service?.stop();
  await standin?.close();
  rmSync(dir, { recursive: true });
});

/** Size of the picture, and number of frames. */
async function seen(options: string): Promise<string> {
  const response = await fetch(link + options);
  expect(response.status).toBe(200);
  const path = join(dir, 'slideshow.mp4');
  writeFileSync(path, Buffer.from(await response.arrayBuffer()));
  const { stderr } = await ffmpeg('-i', path, '-frames:v', '1', '-f', 'null', '-');
  const [, size] = /Video: h264.*?, (\d+x\d+)/.exec(stderr) ?? [];
  return `${size} ${(await frameSums(path)).length}`;
}

describe('the options of a slideshow', () => {
  it('choose the seconds of a slide and the canvas', async () => {
    expect(await seen('&seconds=1')).toBe('1080x1920 75');
    expect(await seen('&seconds=0.5&canvas=1x1')).toBe('1080x1080 38');
    expect(await seen('')).toBe('1080x1920 300');
  });

  it('spread the slides over the whole music', async () => {
    const [, frames] = (await seen('&music=whole&canvas=4x5')).split(' ');
    expect(Math.abs(Number(frames) - SOUND_SECONDS * 25)).toBeLessThanOrEqual(3);
  });

  it.each(['&seconds=0.4', '&seconds=11', '&seconds=', '&seconds=two', '&canvas=2x3', '&music=loud'])(
    'are rejected: %s',
    async (options) => {
      const response = await fetch(link + options);
      expect([response.status, ((await response.json()) as Body).code]).toEqual([400, 'invalid_request']);
    },
  );
});
