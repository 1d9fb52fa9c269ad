import { copyFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FairQueue } from '../../src/concurrency/index.ts';
import { ServiceError } from '../../src/errors.ts';
import { type Progress, RenderCache } from '../../src/renders/index.ts';
import { createSlideshow, SlideshowRenderer, type SlideshowSource } from '../../src/slideshow/index.ts';
import { TempStore } from '../../src/temp/index.ts';
import { locate, quarters, tone } from './media.ts';

vi.setConfig({ testTimeout: 60_000 });
const OPTIONS = { seconds: 1, canvas: 'auto', music: 'fit' } as const;
const ffmpegPath = await locate('ffmpeg');

let dir: string;
let temp: TempStore;
let cache: RenderCache;
const renderer = new SlideshowRenderer({ ffmpegPath, log: { warn: () => undefined } });

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'slideshow-'));
  await quarters(90, 160).jpeg().toFile(join(dir, 'photo.jpg'));
  temp = new TempStore({ dir: join(dir, 'temp'), log: { info: () => undefined, warn: () => undefined } });
  await temp.open();
  cache = new RenderCache({
    temp,
    kind: 'slideshow',
    renders: new FairQueue({ slots: 2 }),
    limitClients: false,
    maxAgeMs: 60_000,
    maxBytes: 1e9,
  });
});
afterEach(async () => {
  await cache.close();
  await temp.close();
  expect(await readdir(join(dir, 'temp'))).toEqual([]);
  await rm(dir, { recursive: true });
});

const photo = (_index: number, toPath: string) => copyFile(join(dir, 'photo.jpg'), toPath);

function get(source: Partial<SlideshowSource>, signal?: AbortSignal) {
  const produce = createSlideshow(
    { photos: 8, fetchPhoto: photo, fetchSound: null, ...source },
    OPTIONS,
    renderer,
  );
  return cache.get('post', produce, { client: 'somebody', ...(signal && { signal }) });
}

/** Names of the files in all job folders. */
async function leftovers(): Promise<string[]> {
  const names = await readdir(join(dir, 'temp'), { recursive: true });
  return names.filter((name) => name.includes('slideshow-'));
}

/** A download that goes on until it is aborted. */
const never = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });

describe.skipIf(!ffmpegPath)('with ffmpeg', () => {
  it('fetches side by side, renders, and keeps only the MP4', async () => {
    await tone(join(dir, 'music.mp3'), 2);
    let now = 0;
    let most = 0;
    const seen: Progress[] = [];
    cache.watch('post', (progress) => seen.push(progress));
    const file = await get({
      photos: 20,
      fetchPhoto: async (index, toPath) => {
        now += 1;
        most = Math.max(most, now);
        await new Promise((resolve) => setTimeout(resolve, 10));
        await photo(index, toPath);
        now -= 1;
      },
      fetchSound: (toPath) => copyFile(join(dir, 'music.mp3'), toPath),
    });
    expect(most).toBeGreaterThan(2);
    expect(most).toBeLessThanOrEqual(6);
    const bytes = await buffer(file.open(null));
    expect(bytes.length).toBe(file.size);
    expect(bytes.subarray(4, 8).toString()).toBe('ftyp');
    expect(
      (await leftovers())
        .filter((name) => name.includes('/slideshow-') && name.includes('.'))
        .map((name) => name.split('/').at(-1)),
    ).toEqual(['slideshow.mp4']);
    expect((await leftovers()).filter((name) => /photo|sound|part/.test(name))).toEqual([]);
    file.release();
    expect([...new Set(seen.map(({ stage }) => stage))]).toEqual(['queued', 'fetching', 'rendering', 'done']);
    const percents = seen.map(({ percent }) => percent);
    expect(percents).toEqual(percents.slice().sort((a, b) => a - b));
    expect(percents.at(-1)).toBe(100);
    expect(new Set(percents).size).toBeGreaterThan(20);
  });

  it('leaves no files when a render is aborted', async () => {
    const gone = new AbortController();
    cache.watch('post', ({ stage, percent }) => {
      if (stage === 'rendering' && percent > 0) gone.abort(new Error('gone'));
    });
    await expect(get({ photos: 35 }, gone.signal)).rejects.toThrow('gone');
    await vi.waitFor(async () => expect(await leftovers()).toEqual([]), 10_000);
    expect(temp.inUse).toBe(0);
  });
});

it('rejects with the fetch error where a photo is missing, stops the other fetches and leaves no files', async () => {
  const stopped: number[] = [];
  const render = vi.spyOn(renderer, 'render');
  const failing = get({
    fetchPhoto: async (index, toPath, signal) => {
      if (index === 3) throw new ServiceError('upstream_failed', { message: 'photo 4 is gone' });
      await writeFile(toPath, 'half');
      await never(signal).finally(() => stopped.push(index));
    },
  });
  await expect(failing).rejects.toMatchObject({ code: 'upstream_failed', message: 'photo 4 is gone' });
  expect(stopped.sort()).toEqual([0, 1, 2, 4, 5]);
  expect(render).not.toHaveBeenCalled();
  render.mockRestore();
  expect(await leftovers()).toEqual([]);
});

it('rejects where the music cannot be fetched', async () => {
  const source = { fetchSound: () => Promise.reject(new ServiceError('timeout')) };
  await expect(get(source)).rejects.toMatchObject({ code: 'timeout' });
  expect(await leftovers()).toEqual([]);
});

it('leaves no files when it is aborted while fetching', async () => {
  const gone = new AbortController();
  const fetching = get(
    {
      fetchPhoto: async (_index, toPath, signal) => {
        await writeFile(toPath, 'half');
        gone.abort(new Error('gone'));
        await never(signal);
      },
    },
    gone.signal,
  );
  await expect(fetching).rejects.toThrow('gone');
  await vi.waitFor(async () => expect(await leftovers()).toEqual([]), 10_000);
});
