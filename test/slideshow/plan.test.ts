import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CANVASES } from '../../src/slideshow/options.ts';
import { autoCanvas, fitOnCanvas, planSlideshow } from '../../src/slideshow/plan.ts';

const CANVAS = CANVASES['9x16'];

it('fits any photo whole, even and centred, touching two edges', () => {
  const side = fc.integer({ min: 1, max: 8000 });
  fc.assert(
    fc.property(side, side, (width, height) => {
      const placed = fitOnCanvas({ width, height }, CANVAS);
      for (const value of Object.values(placed)) expect(value % 2).toBe(0);
      expect(Math.min(placed.width, placed.height)).toBeGreaterThanOrEqual(2);
      expect(placed.left + placed.width).toBeLessThanOrEqual(CANVAS.width);
      expect(placed.top + placed.height).toBeLessThanOrEqual(CANVAS.height);
      expect(placed.width === CANVAS.width || placed.height === CANVAS.height).toBe(true);
      const off = [
        CANVAS.width - placed.width - 2 * placed.left,
        CANVAS.height - placed.height - 2 * placed.top,
      ];
      for (const value of off) expect(Math.abs(value)).toBeLessThanOrEqual(2);
      // Undistorted: the shorter side is at most one pixel from the exact one.
      const scale = Math.min(CANVAS.width / width, CANVAS.height / height);
      if (width * scale >= 2) expect(Math.abs(placed.width - width * scale)).toBeLessThanOrEqual(1);
      if (height * scale >= 2) expect(Math.abs(placed.height - height * scale)).toBeLessThanOrEqual(1);
    }),
  );
});

it.each([
  [
    { width: 1080, height: 1440 },
    { width: 1080, height: 1440, left: 0, top: 240 },
  ],
  [
    { width: 1440, height: 1080 },
    { width: 1080, height: 810, left: 0, top: 554 },
  ],
  [
    { width: 540, height: 960 },
    { width: 1080, height: 1920, left: 0, top: 0 },
  ],
  [
    { width: 1, height: 1920 },
    { width: 2, height: 1920, left: 538, top: 0 },
  ],
])('places %o', (picture, placed) => {
  expect(fitOnCanvas(picture, CANVAS)).toEqual(placed);
});

it('gives each slide its time, and all of them together theirs, to the frame', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 35 }),
      fc.double({ min: 0.5, max: 60, noNaN: true }),
      (photos, seconds) => {
        const { slideFrames, totalFrames, seconds: length } = planSlideshow(photos, seconds);
        expect(slideFrames.reduce((a, b) => a + b, 0)).toBe(totalFrames);
        expect(totalFrames).toBe(Math.round(photos * seconds * 25));
        expect(length).toBe(totalFrames / 25);
        for (const frames of slideFrames) expect(Math.abs(frames - seconds * 25)).toBeLessThanOrEqual(1);
      },
    ),
  );
  expect(planSlideshow(6, 4)).toEqual({
    slideFrames: [100, 100, 100, 100, 100, 100],
    totalFrames: 600,
    seconds: 24,
  });
});

it.each([
  ['portraits', [[1080, 1440]], [1080, 1440]],
  ['landscapes', [[2000, 1500]], [1440, 1080]],
  ['small photos, without enlarging them', [[320, 400]], [320, 400]],
  ['screenshots, at most 9:16', [[500, 3000]], [500, 888]],
  ['panoramas, at most 16:9', [[4000, 1000]], [1778, 1000]],
  [
    'the median of several shapes',
    [
      [1080, 1920],
      [1080, 1080],
      [800, 1000],
    ],
    [1080, 1350],
  ],
])('takes the shape of %s for an automatic canvas', (_name, photos, [width, height]) => {
  const sizes = photos.map(([width = 0, height = 0]) => ({ width, height }));
  expect(autoCanvas(sizes)).toEqual({ width, height });
});
