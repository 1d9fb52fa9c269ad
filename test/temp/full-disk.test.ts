import { execFileSync } from 'node:child_process';
import { copyFile, mkdtemp, readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { FairQueue } from '../../src/concurrency/index.ts';
import { type Produce, RenderCache } from '../../src/renders/index.ts';
import { createSlideshow, SlideshowRenderer } from '../../src/slideshow/index.ts';
import { TempStore } from '../../src/temp/index.ts';
import { locate, quarters } from '../slideshow/media.ts';

vi.setConfig({ testTimeout: 60_000 });

const options = (seconds: number) => ({ seconds, canvas: '9x16', music: 'fit' }) as const;
const ANYBODY = { client: 'somebody' };
const ffmpegPath = await locate('ffmpeg');
const disk = await mkdtemp(join(tmpdir(), 'disk-'));
const photos = await mkdtemp(join(tmpdir(), 'photos-'));
const full = mount();
afterAll(async () => {
  if (full) execFileSync('umount', [disk]);
  await rm(disk, { recursive: true });
  await rm(photos, { recursive: true });
});

/** A disk of 2 MB. Only root may; where even root may not (a container), the tests are skipped. */
function mount(): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk], { stdio: 'pipe' });
    return true;
  } catch (error) {
    console.warn(`cannot mount a small tmpfs, the tests of a full disk are skipped: ${error}`);
    return false;
  }
}

async function openStores() {
  const temp = new TempStore({ dir: disk, log: { info: () => undefined, warn: () => undefined } });
  await temp.open();
  const cache = new RenderCache({
    temp,
    kind: 'slideshow',
    renders: new FairQueue({ slots: 1 }),
    limitClients: false,
    maxAgeMs: 60_000,
    maxBytes: 1e9,
  });
  return { temp, cache };
}

describe.skipIf(!full)('on a disk of 2 MB', () => {
  it('reports the free bytes', async () => {
    const { temp, cache } = await openStores();
    const before = await temp.freeBytes();
    expect(before).toBeLessThanOrEqual(2 * 1024 * 1024);
    const job = await temp.createJob('x');
    await writeFile(join(job.path, 'file'), Buffer.alloc(1024 * 1024));
    expect(before - (await temp.freeBytes())).toBeGreaterThanOrEqual(1024 * 1024);
    await job.dispose();
    expect(await temp.freeBytes()).toBe(before);
    await cache.close();
    await temp.close();
  });

  it.skipIf(!ffmpegPath)('rejects a slideshow that does not fit, and leaves no files', async () => {
    // Noise of one megabyte a slide, from a small file.
    const { width, height } = { width: 1080, height: 1920 };
    const noise = Buffer.alloc(width * height * 3);
    for (let i = 0, seed = 1; i < noise.length; i++) {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      noise[i] = seed >>> 24;
    }
    const { default: sharp } = await import('sharp');
    const photo = join(photos, 'noise.jpg');
    await sharp(noise, { raw: { width, height, channels: 3 } })
      .jpeg({ quality: 20 })
      .toFile(photo);
    const small = join(photos, 'small.jpg');
    await quarters(90, 160).jpeg().toFile(small);

    const { temp, cache } = await openStores();
    const logged: object[] = [];
    const renderer = new SlideshowRenderer({
      ffmpegPath,
      log: { warn: (what: object) => void logged.push(what) },
    });
    const source = (photo: string, count: number) => ({
      photos: count,
      fetchPhoto: (index: number, toPath: string) => copyFile(index === 0 ? photo : small, toPath),
      fetchSound: null,
    });
    await expect(
      cache.get('noise', createSlideshow(source(photo, 2), options(30), renderer), ANYBODY),
    ).rejects.toMatchObject({
      code: 'render_failed',
    });
    expect(JSON.stringify(logged)).toContain('No space left');
    expect((await readdir(disk, { recursive: true })).filter((name) => name.includes('slideshow'))).toEqual(
      [],
    );

    // And it works again at once with what fits.
    const file = await cache.get('small', createSlideshow(source(small, 2), options(1), renderer), ANYBODY);
    expect(file.size).toBeGreaterThan(1000);
    file.release();
    await cache.close();
    await temp.close();
    expect(await readdir(disk)).toEqual([]);
    const { bfree, blocks } = await statfs(disk);
    expect(blocks - bfree).toBeLessThanOrEqual(1);
  });

  it('is busy where fetched files do not fit, and leaves no files', async () => {
    const { temp, cache } = await openStores();
    const renderer = new SlideshowRenderer({ ffmpegPath, log: { warn: () => undefined } });
    const source = {
      photos: 3,
      fetchPhoto: (_index: number, toPath: string) => writeFile(toPath, Buffer.alloc(1024 * 1024)),
      fetchSound: null,
    };
    await expect(
      cache.get('large', createSlideshow(source, options(1), renderer), ANYBODY),
    ).rejects.toMatchObject({
      code: 'busy',
      retryAfter: 30,
      cause: { code: 'ENOSPC' },
    });
    await vi.waitFor(() => expect(temp.inUse).toBe(0), 10_000);
    await cache.close();
    await temp.close();
    expect(await readdir(disk)).toEqual([]);
  });

  it('evicts finished files for new ones', async () => {
    const { temp, cache } = await openStores();
    const produce: Produce = async ({ job }) => {
      const path = join(job.path, 'file');
      await writeFile(path, Buffer.alloc(300 * 1024));
      return path;
    };
    for (let made = 1; made <= 20; made += 1) {
      (await cache.get(`file ${made}`, produce, ANYBODY)).release();
      expect(await temp.freeBytes()).toBeGreaterThan(1024 * 1024);
    }
    expect(cache.status.files).toBeGreaterThan(0);
    // A file of another program that leaves no room.
    await writeFile(join(disk, 'filler'), Buffer.alloc(await temp.freeBytes()));
    (await cache.get('one more', produce, ANYBODY)).release();
    expect(cache.status.files).toBeLessThanOrEqual(1);
    await rm(join(disk, 'filler'));
    await cache.close();
    await temp.close();
  });
});
