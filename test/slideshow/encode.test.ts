import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { photo } from '../../scripts/bench/photos.ts';
import { CANVASES } from '../../src/slideshow/options.ts';
import { fitOnCanvas, planSlideshow, type Size } from '../../src/slideshow/plan.ts';
import { SlideshowRenderer } from '../../src/slideshow/renderer.ts';
import {
  CORNERS,
  type Colour,
  colourAt,
  distance,
  ffmpeg,
  ffprobe,
  frameAt,
  frameSums,
  heicQuarters,
  locate,
  loudness,
  quarters,
  ssim,
  tone,
} from './media.ts';

const ffmpegPath = await locate('ffmpeg');
const ffprobePath = await locate('ffprobe');
if (!ffprobePath) console.warn('no ffprobe: the checks of stream properties are skipped');

vi.setConfig({ testTimeout: 60_000 });

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'slideshow-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const errors: unknown[] = [];
const renderer = new SlideshowRenderer({
  ffmpegPath,
  log: { warn: (...what: unknown[]) => errors.push(what) },
});

async function save(name: string, picture: Sharp | Buffer): Promise<string> {
  const path = join(dir, name);
  await writeFile(path, Buffer.isBuffer(picture) ? picture : await picture.toBuffer());
  return path;
}

const FULL = CANVASES['9x16'];
/** Enough where colours and edges are asserted. */
const HALF = { width: 540, height: 960 };
/** Enough where only geometry, timing or sound is asserted. */
const SMALL = { width: 320, height: 568 };

async function render(
  name: string,
  photos: string[],
  sound: string | null,
  slideSeconds: number,
  canvas: Size = SMALL,
) {
  const output = join(dir, `${name}.mp4`);
  const slides: number[] = [];
  const signal = new AbortController().signal;
  await renderer.render(
    { photos, sound, slideSeconds, canvas, output },
    { onSlide: (done) => slides.push(done), signal },
  );
  expect(slides).toEqual(photos.map((_, index) => index + 1));
  return { mp4: output, plan: planSlideshow(photos.length, slideSeconds) };
}

/** Adds noise with a standard deviation of 12 levels. */
async function addGrain(jpeg: Buffer): Promise<Buffer> {
  const { data, info } = await sharp(jpeg).raw().toBuffer({ resolveWithObject: true });
  let seed = 7;
  const random = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 32;
  };
  const grain = () => (random() + random() + random() - 1.5) * 24;
  const noisy = Uint8ClampedArray.from(data, (level) => level + grain());
  return sharp(noisy, { raw: { width: info.width, height: info.height, channels: 3 } })
    .jpeg({ quality: 90 })
    .toBuffer();
}

/** The frame shows the quarters upright, whole and centred, on black, in the right colours. */
function expectQuarters(frame: Buffer, shown: Size, tolerance: number, name: string) {
  const { width, height, left, top } = fitOnCanvas(shown, HALF);
  const seenAt = (x: number, y: number) => colourAt(frame, Math.round(x), Math.round(y), HALF.width);
  const middle = { x: HALF.width / 2, y: HALF.height / 2 };
  const places: [number, number][] = [
    [0.25, 0.25],
    [0.75, 0.25],
    [0.75, 0.75],
    [0.25, 0.75],
  ];
  for (const [corner, [x, y]] of places.entries()) {
    const seen = seenAt(left + width * x, top + height * y);
    expect(distance(seen, CORNERS[corner] as Colour), `${name}: corner ${corner} is ${seen}`).toBeLessThan(
      tolerance,
    );
  }
  // Just inside and just outside of each edge.
  const black: Colour = [0, 0, 0];
  if (top > 16) {
    expect(distance(seenAt(middle.x, top - 8), black), `${name}: above`).toBeLessThan(5);
    expect(distance(seenAt(middle.x, top + height + 8), black), `${name}: below`).toBeLessThan(5);
    expect(distance(seenAt(middle.x / 2 + left / 2, top + 10), black), `${name}: top edge`).toBeGreaterThan(
      40,
    );
  }
  if (left > 16) {
    expect(distance(seenAt(left - 8, middle.y), black), `${name}: left`).toBeLessThan(5);
    expect(distance(seenAt(left + width + 8, middle.y), black), `${name}: right`).toBeLessThan(5);
  }
}

async function expectGoodStreams(mp4: string, plan: ReturnType<typeof planSlideshow>, canvas: Size = SMALL) {
  if (!ffprobePath) return;
  const { streams, format, packets } = await ffprobe(mp4);
  const [video, sound] = streams;
  expect(video).toMatchObject({
    codec_name: 'h264',
    profile: 'High',
    level: 40,
    pix_fmt: 'yuv420p',
    ...canvas,
    color_range: 'tv',
    color_space: 'bt709',
    color_transfer: 'bt709',
    color_primaries: 'bt709',
    has_b_frames: 0,
    r_frame_rate: '25/1',
    avg_frame_rate: '25/1',
    start_pts: 0,
    nb_frames: String(plan.totalFrames),
  });
  expect(Number(video?.duration)).toBeCloseTo(plan.seconds, 5);
  expect(sound).toMatchObject({ codec_name: 'aac', profile: 'LC', channels: 2, sample_rate: '44100' });
  expect(Math.abs(Number(sound?.duration) - plan.seconds)).toBeLessThan(0.001);
  expect(Math.abs(Number(format.duration) - plan.seconds)).toBeLessThan(0.001);
  // Constant frame rate to the tick, and in order.
  const step = packets[0]?.duration ?? 0;
  expect(packets.length).toBe(plan.totalFrames);
  for (const [index, packet] of packets.entries()) {
    expect([packet.pts, packet.dts, packet.duration]).toEqual([index * step, index * step, step]);
  }
  const keys = packets.flatMap((packet, index) => (packet.flags.startsWith('K') ? [index] : []));
  const starts = plan.slideFrames.map((_, slide) =>
    plan.slideFrames.slice(0, slide).reduce((a, b) => a + b, 0),
  );
  expect(keys).toEqual(starts);
}

/** Every frame of a slide decodes to the very same picture, and the next slide starts on its frame. */
async function expectStills(mp4: string, plan: ReturnType<typeof planSlideshow>) {
  const sums = await frameSums(mp4);
  expect(sums.length).toBe(plan.totalFrames);
  let at = 0;
  for (const frames of plan.slideFrames) {
    expect(new Set(sums.slice(at, at + frames)).size).toBe(1);
    at += frames;
  }
}

describe.skipIf(!ffmpegPath)('a slideshow', () => {
  it('shows every kind of photo upright, whole and in its colours', async () => {
    const alpha = await quarters(400, 300).ensureAlpha().png().toBuffer();
    const kinds: { name: string; file: Sharp | Buffer; shown: [number, number]; tolerance?: number }[] = [
      { name: 'portrait.jpg', file: quarters(540, 720).jpeg({ quality: 90 }), shown: [540, 720] },
      { name: 'landscape.jpg', file: quarters(1440, 810).jpeg(), shown: [1440, 810] },
      { name: 'exact.jpg', file: quarters(1080, 1920).jpeg(), shown: [1080, 1920] },
      { name: 'odd.jpg', file: quarters(333, 251).jpeg(), shown: [333, 251] },
      { name: 'tall.png', file: quarters(200, 1500).png(), shown: [200, 1500] },
      { name: 'large.jpg', file: quarters(3024, 4032).jpeg(), shown: [3024, 4032] },
      // Stored lying, to be turned by EXIF: 6 is "turn right", 8 "turn left", 3 "turn round", 2 mirrored.
      {
        name: 'exif6.jpg',
        file: quarters(300, 400).rotate(270).withMetadata({ orientation: 6 }).jpeg(),
        shown: [300, 400],
      },
      {
        name: 'exif8.jpg',
        file: quarters(300, 400).rotate(90).withMetadata({ orientation: 8 }).jpeg(),
        shown: [300, 400],
      },
      {
        name: 'exif3.webp',
        file: quarters(300, 400).rotate(180).withMetadata({ orientation: 3 }).webp(),
        shown: [300, 400],
      },
      {
        name: 'exif2.jpg',
        file: quarters(300, 400).flop().withMetadata({ orientation: 2 }).jpeg(),
        shown: [300, 400],
      },
      // There and back through a press profile moves colours a little.
      {
        name: 'cmyk.jpg',
        file: quarters(300, 400).toColourspace('cmyk').withIccProfile('cmyk').jpeg(),
        shown: [300, 400],
        tolerance: 20,
      },
      {
        name: 'cmyk-without-profile.jpg',
        file: quarters(300, 400).toColourspace('cmyk').jpeg(),
        shown: [300, 400],
        tolerance: 20,
      },
      { name: 'p3.jpg', file: quarters(300, 400).withIccProfile('p3').jpeg(), shown: [300, 400] },
      { name: 'photo.webp', file: quarters(540, 720).webp(), shown: [540, 720] },
      { name: 'alpha.webp', file: sharp(alpha).webp({ lossless: true }), shown: [400, 300] },
      { name: 'deep.png', file: quarters(300, 400).toColourspace('rgb16').png(), shown: [300, 400] },
      { name: 'photo.gif', file: quarters(300, 400).gif(), shown: [300, 400], tolerance: 12 },
      { name: 'photo.avif', file: quarters(300, 400).avif(), shown: [300, 400] },
      { name: 'photo.heic', file: heicQuarters(), shown: [96, 64] },
    ];
    const photos = await Promise.all(kinds.map(({ name, file }) => save(name, file)));
    const { mp4, plan } = await render('kinds', photos, null, 0.5, HALF);
    let at = 0;
    for (const [index, { name, shown, tolerance = 8 }] of kinds.entries()) {
      const frames = plan.slideFrames[index] ?? 0;
      const frame = await frameAt(mp4, at + Math.floor(frames / 2));
      expectQuarters(frame, { width: shown[0], height: shown[1] }, tolerance, name);
      at += frames;
    }
    await expectStills(mp4, plan);
    await expectGoodStreams(mp4, plan, HALF);
  });

  it('keeps the detail of photos, also of noisy ones', async () => {
    const busy = await photo(4);
    const jpegs = [await photo(2), busy, await addGrain(busy)];
    const photos = await Promise.all(jpegs.map((jpeg, n) => save(`detail-${n}.jpg`, jpeg)));
    const { mp4, plan } = await render('detail', photos, null, 1, FULL);
    await expectGoodStreams(mp4, plan, FULL);
    for (const [slide, path] of photos.entries())
      expect(await ssim(mp4, slide + 0.5, path), `photo ${slide}`).toBeGreaterThan(0.975);
  });

  it('shows grey and transparent photos as grey and on black', async () => {
    const grey = await save(
      'grey.jpg',
      sharp({ create: { width: 90, height: 160, channels: 3, background: '#808080' } })
        .toColourspace('b-w')
        .jpeg(),
    );
    const clear = await save(
      'clear.png',
      sharp({
        create: { width: 90, height: 160, channels: 4, background: { r: 255, g: 0, b: 0, alpha: 0 } },
      }).png(),
    );
    const { mp4 } = await render('grey', [grey, clear], null, 0.4);
    expect(distance(colourAt(await frameAt(mp4, 5), 160, 284, 320), [128, 128, 128])).toBeLessThan(4);
    expect(distance(colourAt(await frameAt(mp4, 15), 160, 284, 320), [0, 0, 0])).toBeLessThan(4);
  });

  it('shows one photo in silence where there is no music', async () => {
    const photo = await save('one.jpg', quarters(540, 960).jpeg());
    const { mp4, plan } = await render('one', [photo], null, 4);
    expect(plan.totalFrames).toBe(100);
    await expectStills(mp4, plan);
    await expectGoodStreams(mp4, plan);
    expect(await loudness(mp4, 0, 4)).toBeLessThan(-80);
  });

  it('shows 35 photos, and cuts and fades out longer music', async () => {
    const photos = await Promise.all(
      Array.from({ length: 35 }, (_, i) =>
        save(
          `small-${i}.png`,
          sharp({
            create: { width: 9, height: 16, channels: 3, background: { r: i * 7, g: 100, b: 255 - i * 7 } },
          }).png(),
        ),
      ),
    );
    const { mp4, plan } = await render('many', photos, await tone(join(dir, 'long.mp3'), 40), 1);
    await expectStills(mp4, plan);
    await expectGoodStreams(mp4, plan);
    for (const slide of [0, 1, 17, 34]) {
      const seen = colourAt(await frameAt(mp4, slide * 25 + 12), 160, 284, 320);
      expect(distance(seen, [slide * 7, 100, 255 - slide * 7]), `slide ${slide}: ${seen}`).toBeLessThan(6);
    }
    expect(await loudness(mp4, 30, 34)).toBeGreaterThan(-30);
    expect(await loudness(mp4, 34.97, 35)).toBeLessThan((await loudness(mp4, 30, 34)) - 10);
  });

  it.each(['mp3', 'm4a', 'ogg'])('loops shorter music without a gap (%s)', async (type) => {
    const photo = await save('one.jpg', quarters(540, 960).jpeg());
    const { mp4, plan } = await render('loop', [photo], await tone(join(dir, `short.${type}`), 0.8), 5);
    await expectGoodStreams(mp4, plan);
    const levels = await Promise.all(Array.from({ length: 9 }, (_, i) => loudness(mp4, i / 2, i / 2 + 0.5)));
    // The last half second fades.
    for (const level of levels) expect(Math.abs(level - (levels[0] ?? 0))).toBeLessThan(2);
  });

  it.each([
    ['16x9', CANVASES['16x9']],
    ['1x1', CANVASES['1x1']],
  ])('has the canvas %s', async (_name, canvas) => {
    const photo = await save('one.jpg', quarters(540, 960).jpeg());
    const { mp4, plan } = await render('canvas', [photo], null, 1, canvas);
    await expectGoodStreams(mp4, plan, canvas);
    await expectStills(mp4, plan);
  });

  it('takes its canvas from the photos, and its time from the music', async () => {
    const photos = [
      await save('a.jpg', quarters(300, 400).rotate(270).withMetadata({ orientation: 6 }).jpeg()),
      await save('b.jpg', quarters(300, 400).jpeg()),
    ];
    const sound = await tone(join(dir, 'whole.mp3'), 3);
    const output = join(dir, 'whole.mp4');
    const request = { photos, sound, slideSeconds: null, canvas: 'auto' as const, output };
    await renderer.render(request, { onSlide: () => {}, signal: new AbortController().signal });
    const sums = await frameSums(output);
    // An MP3 is some frames of 26 ms longer than its sound.
    expect(Math.abs(sums.length - 75)).toBeLessThanOrEqual(2);
    expect(new Set(sums.slice(0, 36)).size).toBe(1);
    expect(sums[0]).not.toBe(sums.at(-1));
    if (ffprobePath) expect((await ffprobe(output)).streams[0]).toMatchObject({ width: 300, height: 400 });
  });

  it('keeps odd slide lengths exact to the frame, and long slides seekable', async () => {
    const photos = [
      await save('a.jpg', quarters(90, 160).jpeg()),
      await save('b.jpg', quarters(160, 90).jpeg()),
    ];
    const odd = await render('odd', [...photos, ...photos], null, 0.77);
    expect(odd.plan.slideFrames).toEqual([19, 20, 19, 19]);
    await expectStills(odd.mp4, odd.plan);
    await expectGoodStreams(odd.mp4, odd.plan);
    const long = await render('long', photos, null, 21);
    await expectStills(long.mp4, long.plan);
    if (ffprobePath) {
      const { packets } = await ffprobe(long.mp4);
      const keys = packets.flatMap((packet, index) => (packet.flags.startsWith('K') ? [index] : []));
      expect(keys).toEqual([0, 250, 500, 525, 775, 1025]);
    }
  });

  it('plays the clip of a live photo, keeps its last frame, and shows stills beside it', async () => {
    const still = await save('still.jpg', quarters(90, 160).jpeg());
    const clip = join(dir, 'clip.mp4');
    await ffmpeg(
      ...['-f', 'lavfi', '-i', 'testsrc2=s=240x320:r=30:d=1', '-f', 'lavfi', '-i', 'sine=d=1'],
      ...['-pix_fmt', 'yuv420p', clip],
    );
    const damaged = await save('damaged.mp4', Buffer.from('no clip'));
    const output = join(dir, 'live.mp4');
    const request = {
      photos: [still, still, still, still],
      clips: [null, clip, null, damaged],
      sound: null,
      slideSeconds: 2,
      canvas: HALF,
      output,
    };
    const slides: number[] = [];
    const options = { onSlide: (done: number) => slides.push(done), signal: new AbortController().signal };
    await renderer.render(request, options);
    expect(slides).toEqual([1, 2, 3, 4]);
    const sums = await frameSums(output);
    const different = (from: number, to: number) => new Set(sums.slice(from, to)).size;
    expect(sums).toHaveLength(200);
    expect([different(0, 50), different(100, 150)]).toEqual([1, 1]);
    // 25 frames of the clip, of which the encoder may improve the last a little while it stays.
    expect(different(50, 75)).toBe(25);
    expect(different(90, 100)).toBeLessThan(5);
    // Fitted as a still of its shape: 540×720 in the middle of 540×960.
    const frame = await frameAt(output, 60);
    const instead = await frameAt(output, 180);
    expectQuarters(instead, { width: 90, height: 160 }, 20, 'the still of a damaged clip');
    expect(distance(colourAt(frame, 270, 40, HALF.width), [0, 0, 0])).toBeLessThan(10);
    if (ffprobePath) {
      const { streams, packets } = await ffprobe(output);
      expect(streams.map(({ codec_type }) => codec_type)).toEqual(['video', 'audio']);
      expect(packets.map(({ pts }) => pts)).toEqual([...packets.map(({ pts }) => pts)].sort((a, b) => a - b));
    }
    expect(await loudness(output, 0, 8)).toBeLessThan(-80);
  });
});
