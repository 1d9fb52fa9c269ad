import { copyFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ServiceError } from '../../src/errors.ts';
import { type Progress, RenderCache } from '../../src/renders/index.ts';
import { createSlideshow, SlideshowRenderer, type SlideshowSource } from '../../src/slideshow/index.ts';
import { TempStore } from '../../src/temp/index.ts';
import { locate, quarters, tone } from './media.ts';

vi.setConfig({ testTimeout: 60_000 });
const ffmpegPath = await locate('ffmpeg');

let dir: string;
let temp: TempStore;
let store: RenderCache;
const renderer = new SlideshowRenderer({ ffmpegPath, log: { error: () => undefined } });

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'slideshow-'));
  await quarters(90, 160).jpeg().toFile(join(dir, 'photo.jpg'));
  temp = new TempStore({ dir: join(dir, 'temp'), log: { info: () => undefined, warn: () => undefined } });
  await temp.open();
  store = new RenderCache({
    temp,
    kind: 'slideshow',
    maxRenders: 2,
    maxQueue: 10,
    maxAgeMs: 60_000,
    maxBytes: 1e9,
  });
});
afterEach(async () => {
  await store.close();
  await temp.close();
  expect(await readdir(join(dir, 'temp'))).toEqual([]);
  await rm(dir, { recursive: true });
});

const photo = (_index: number, toPath: string) => copyFile(join(dir, 'photo.jpg'), toPath);

function get(source: Partial<SlideshowSource>, signal?: AbortSignal) {
  const produce = createSlideshow({ photos: 8, fetchPhoto: photo, fetchSound: null, ...source }, 1, renderer);
  return store.get('post', produce, signal ? { signal } : {});
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
  it('fetches side by side, renders, and keeps only the movie', async () => {
    await tone(join(dir, 'music.mp3'), 2);
    let now = 0;
    let most = 0;
    const seen: Progress[] = [];
    store.watch('post', (progress) => seen.push(progress));
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
    expect(file.size).toBe((await stat(file.path)).size);
    expect((await readFile(file.path)).subarray(4, 8).toString()).toBe('ftyp');
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

  it('aborts a render under way, and nothing is left', async () => {
    const gone = new AbortController();
    store.watch('post', ({ stage, percent }) => {
      if (stage === 'rendering' && percent > 40) gone.abort(new Error('gone'));
    });
    await expect(get({ photos: 35 }, gone.signal)).rejects.toThrow('gone');
    await vi.waitFor(async () => expect(await leftovers()).toEqual([]), 10_000);
    expect(temp.inUse).toBe(0);
  });
});

it('never renders with a photo missing: the fetch error is the answer, the others stop, nothing is left', async () => {
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

it('fails when the music cannot be fetched', async () => {
  const source = { fetchSound: () => Promise.reject(new ServiceError('timeout')) };
  await expect(get(source)).rejects.toMatchObject({ code: 'timeout' });
  expect(await leftovers()).toEqual([]);
});

it('aborts while fetching, and nothing is left', async () => {
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
  await vi.waitFor(async () => expect(await leftovers()).toEqual([]));
});
