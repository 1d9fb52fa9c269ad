import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { MediaClient, type MediaSource } from '../../src/cdn/index.ts';
import type { MediaRequest, MediaResponse } from '../../src/media/index.ts';
import { Pictures } from '../../src/pictures/index.ts';
import { PICTURE_PROCESSES } from '../../src/renders/index.ts';
import { TempStore } from '../../src/temp/index.ts';
import { serve, Upstream } from '../cdn/fake-cdn.ts';
import { processes } from '../helpers/processes.ts';
import { cmykJpeg } from '../helpers/standin/jpeg.ts';
import { CORNERS, type Colour, colourAt, distance, heicQuarters, quarters } from '../slideshow/media.ts';
import { hostilePictures } from './hostile.ts';
import { fromP3, heicInP3 } from './profile.ts';

const HOST = 'p16-sign-sg.tiktokcdn.com';

let upstream: Upstream;
let media: MediaClient;
let dir: string;
let temp: TempStore;
/** Starting a process takes a second: only tests of processes have their own. */
let shared: Pictures;
let pictures: Pictures;
let made: string[];
let files = 0;

beforeAll(async () => {
  upstream = await Upstream.start();
  dir = await mkdtemp(join(tmpdir(), 'pictures-'));
  temp = new TempStore({ dir, log: { info: () => {}, warn: () => {} } });
  await temp.open();
  media = new MediaClient({
    egresses: new Map([['direct', upstream.proxy]]),
    extraCa: [upstream.authority.caPem],
    // What has to end soon must not end by this.
    stallTimeoutMs: 60_000,
  });
  shared = make();
});
afterAll(async () => {
  await shared.close();
  await media.close();
  expect(temp.inUse).toBe(0);
  await temp.close();
  await rm(dir, { recursive: true });
  await upstream.stop();
});
beforeEach(() => {
  pictures = shared;
  made = [];
});
afterEach(async () => {
  if (pictures !== shared) await pictures.close();
  upstream.reset();
});

function make(): Pictures {
  const log = { warn: () => {} };
  return new Pictures({ media, temp, log, limitClients: true, onMade: (outcome) => made.push(outcome) });
}

interface Asked extends Partial<MediaRequest> {
  width?: number | null;
  signal?: AbortSignal;
  source?: MediaSource;
}

/** A new photo at the CDN, which calls everything a JPEG. */
function photo(file: Buffer): MediaSource {
  upstream.script(HOST, serve(file, { type: 'image/jpeg' }));
  files += 1;
  return {
    id: `tiktok:1/photo/${files}`,
    urls: [`https://${HOST}/${files}.jpeg`],
    cookie: null,
    referer: 'https://www.tiktok.com/',
    egress: 'direct',
  };
}

function open(from: MediaSource, { width = null, signal, ...request }: Asked = {}): Promise<MediaResponse> {
  return pictures.open(
    from,
    { width },
    { method: 'GET', ...request },
    {
      client: 'somebody',
      signal: signal ?? new AbortController().signal,
      renew: async () => from,
    },
  );
}

async function bytesOf({ body }: MediaResponse): Promise<Buffer> {
  if (!body) throw new Error('no body');
  return buffer(body);
}

const picturePids = () =>
  processes()
    .filter(({ ppid, command }) => ppid === process.pid && command.includes('picture-process'))
    .map(({ pid }) => pid);

/** The most memory that a process ever had, in bytes. */
async function peakOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
}

const [W, H] = [240, 160];
const exif = { IFD0: { Make: 'Camera' }, IFD3: { GPSLatitude: '52/1 31/1 0/1', GPSLatitudeRef: 'N' } };
interface Shown {
  size?: [number, number];
  colours?: readonly Colour[];
  off?: number;
}

/** Photos, what they show at their corners, and how exactly. */
const PHOTOS: [name: string, file: () => Buffer | Promise<Buffer>, shown?: Shown][] = [
  ['a JPEG', () => quarters(W, H).jpeg({ quality: 95 }).toBuffer()],
  ['a WebP', () => quarters(W, H).webp({ quality: 95 }).toBuffer()],
  ['an AVIF', () => quarters(W, H).avif({ quality: 90 }).toBuffer()],
  ['a PNG of 16 bits', () => quarters(W, H).toColourspace('rgb16').png().toBuffer()],
  ['a HEIC', () => heicQuarters(), { size: [96, 64] }],
  ['a HEIC in Display P3', heicInP3, { size: [96, 64], colours: CORNERS.map(fromP3) }],
  ['a JPEG in Display P3', () => quarters(W, H).withIccProfile('p3').jpeg({ quality: 95 }).toBuffer()],
  ['a WebP in Display P3', () => quarters(W, H).withIccProfile('p3').webp({ quality: 95 }).toBuffer()],
  [
    'a JPEG in print colours',
    () => quarters(W, H).withIccProfile('cmyk').jpeg({ quality: 95 }).toBuffer(),
    { off: 30 },
  ],
];

describe('a photo as JPEG', () => {
  it.each(PHOTOS)('is %s in its colours, with all of them for each pixel', async (_, file, shown = {}) => {
    const { size: [width, height] = [W, H], colours = CORNERS, off = 8 } = shown;
    const answer = await open(photo(await file()));
    expect(answer).toMatchObject({ status: 200, mime: 'image/jpeg', extension: 'jpg' });
    const jpeg = await bytesOf(answer);
    expect(answer.headers['content-length']).toBe(String(jpeg.length));
    const metadata = await sharp(jpeg).metadata();
    expect(metadata).toMatchObject({ format: 'jpeg', width, height, channels: 3, space: 'srgb' });
    expect(metadata.chromaSubsampling).toBe('4:4:4');
    expect([metadata.exif, metadata.icc, metadata.xmp, metadata.iptc]).toEqual(Array(4).fill(undefined));
    const pixels = await sharp(jpeg).raw().toBuffer();
    const at = [
      [0.25, 0.25],
      [0.75, 0.25],
      [0.75, 0.75],
      [0.25, 0.75],
    ].map(([x = 0, y = 0]) => colourAt(pixels, Math.round(x * width), Math.round(y * height), width));
    for (const [corner, colour] of at.entries()) {
      expect(distance(colour, colours[corner] ?? [0, 0, 0]), `corner ${corner}`).toBeLessThan(off);
    }
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'is upright, and says nothing of the place, for orientation %i',
    async (orientation) => {
      const file = await quarters(W, H).withExif(exif).withMetadata({ orientation }).jpeg().toBuffer();
      expect((await sharp(file).metadata()).orientation).toBe(orientation);
      const jpeg = await bytesOf(await open(photo(file)));
      const { data: seen, info } = await sharp(jpeg).raw().toBuffer({ resolveWithObject: true });
      const truth = await sharp(file).autoOrient().raw().toBuffer({ resolveWithObject: true });
      expect([info.width, info.height]).toEqual([truth.info.width, truth.info.height]);
      const { width, height } = info;
      for (const [x, y] of [
        [0.25, 0.25],
        [0.75, 0.25],
        [0.25, 0.75],
      ] as const) {
        const point = [Math.round(x * width), Math.round(y * height), width] as const;
        expect(distance(colourAt(seen, ...point), colourAt(truth.data, ...point))).toBeLessThan(8);
      }
      expect(jpeg.includes('Exif')).toBe(false);
      expect((await sharp(jpeg).metadata()).orientation).toBeUndefined();
    },
  );

  it('has Adobe’s inverted print colours, and white where it was transparent', async () => {
    const cmyk = await bytesOf(await open(photo(cmykJpeg(48, 64))));
    expect(await sharp(cmyk).metadata()).toMatchObject({ width: 48, height: 64, channels: 3, space: 'srgb' });
    const clear = sharp({ create: { width: 40, height: 40, channels: 4, background: '#0000' } });
    const jpeg = await bytesOf(await open(photo(await clear.png().toBuffer())));
    expect(colourAt(await sharp(jpeg).raw().toBuffer(), 20, 20, 40)).toEqual([255, 255, 255]);
  });
});

describe('a small photo', () => {
  it.each([
    [160, 160, 213],
    [320, 320, 427],
    [640, 600, 800],
  ])('%i pixels wide is a small JPEG, never larger than the photo', async (width, w, h) => {
    const file = await quarters(600, 800).webp().toBuffer();
    const jpeg = await bytesOf(await open(photo(file), { width }));
    expect(await sharp(jpeg).metadata()).toMatchObject({ format: 'jpeg', width: w, height: h });
    expect(jpeg.length).toBeLessThan(30_000);
  });
});

describe('a made photo', () => {
  it('is made once for several clients and for later ones, each form apart', async () => {
    const from = photo(await quarters(W, H).webp().toBuffer());
    const wanted = [null, null, 160, 160, 320];
    const answers = await Promise.all(wanted.map((width) => open(from, { width })));
    const all = await Promise.all(answers.map(bytesOf));
    expect(new Set(answers.map(({ headers }) => headers.etag)).size).toBe(3);
    expect(all[0]?.equals(all[1] as Buffer)).toBe(true);
    const before = upstream.seen.length;
    expect((await bytesOf(await open(from))).equals(all[0] as Buffer)).toBe(true);
    expect(upstream.seen.length).toBe(before);
    expect(made).toEqual(['ok', 'ok', 'ok']);
  });

  it('answers HEAD, ranges and conditions, with an ETag that another instance gives too', async () => {
    const file = await quarters(W, H).webp().toBuffer();
    const from = photo(file);
    const head = await open(from, { method: 'HEAD' });
    expect(head.body).toBeNull();
    const whole = await bytesOf(await open(from));
    expect(head.headers['content-length']).toBe(String(whole.length));
    const part = await open(from, { range: 'bytes=100-199' });
    expect([part.status, await bytesOf(part)]).toEqual([206, whole.subarray(100, 200)]);
    expect(await open(from, { ifNoneMatch: head.headers.etag })).toMatchObject({ status: 304, body: null });
    const elsewhere = await open(photo(file), { method: 'HEAD' });
    expect(elsewhere.headers.etag).toBe(head.headers.etag);
  });

  it('of a grid takes few processes, which end when there is nothing to do', async () => {
    await shared.close();
    pictures = make();
    const file = await quarters(W, H).jpeg().toBuffer();
    const answers = await Promise.all(Array.from({ length: 35 }, () => open(photo(file), { width: 160 })));
    await Promise.all(answers.map(bytesOf));
    expect(picturePids().length).toBeLessThanOrEqual(PICTURE_PROCESSES);
    await pictures.close();
    await vi.waitFor(() => expect(picturePids()).toEqual([]), 10_000);
  });

  it('is given up when its client leaves, with its process and its files', async () => {
    pictures = make();
    const client = new AbortController();
    // Takes a second or so to encode.
    const large = await sharp({ create: { width: 7000, height: 7000, channels: 3, background: '#456' } })
      .jpeg()
      .toBuffer();
    const answer = expect(open(photo(large), { signal: client.signal })).rejects.toThrow('gone');
    await vi.waitFor(() => expect(picturePids().length).toBe(1), 20_000);
    client.abort(new Error('gone'));
    await answer;
    await vi.waitFor(() => expect(picturePids()).toEqual([]), 10_000);
    await vi.waitFor(async () => expect(await jobFolders()).toEqual([]), 10_000);
  });
});

async function jobFolders(): Promise<string[]> {
  const [run = ''] = await readdir(dir);
  return (await readdir(join(dir, run))).filter((name) => name.startsWith('picture-'));
}

describe('a hostile photo', () => {
  it('is refused at once, in little memory, and others are made after it', async () => {
    pictures = make();
    const hostile = await hostilePictures();
    const fine = await quarters(W, H).webp().toBuffer();
    (await open(photo(fine))).body?.destroy();
    const [pid = 0] = picturePids();
    const before = process.memoryUsage.rss();
    const started = await peakOf(pid);
    for (const [name, file] of hostile) {
      const began = performance.now();
      const refusal = await open(photo(file)).catch((error) => error);
      expect([name, refusal.code]).toEqual([name, expect.stringMatching(/^(?:render|upstream)_failed$/)]);
      expect([name, performance.now() - began < 5000]).toEqual([name, true]);
      expect(await jobFolders()).toHaveLength(1);
    }
    // The same process as before: nothing crashed it.
    expect(picturePids()).toEqual([pid]);
    expect((await peakOf(pid)) - started).toBeLessThan(60 * 1024 * 1024);
    expect(process.memoryUsage.rss() - before).toBeLessThan(100 * 1024 * 1024);
    expect((await open(photo(fine), { width: 160 })).status).toBe(200);
  });
});
