/** Pictures as hard to encode as photos: gradients, detail at every scale, edges, grain. */
import sharp from 'sharp';

/** What TikTok serves, mostly 1080 wide. */
const SIZES = [
  [1080, 1440],
  [1080, 1920],
  [1440, 1080],
  [1080, 1350],
  [1080, 1080],
  [1440, 1920],
] as const;
/** Contrast of each scale over that of the next coarser one: from soft to busy. */
const DETAIL = [0.66, 0.78, 0.55, 0.74, 0.82];
const SHAPES = 25;

/** JPEG bytes of the n-th picture, always the same for the same number. */
export async function photo(number: number): Promise<Buffer> {
  const [width, height] = SIZES[number % SIZES.length] as (typeof SIZES)[number];
  const random = seededRandom(number + 1);
  const base = [0, 1, 2].map(() => 60 + random() * 120);
  const light = Float32Array.from({ length: width * height * 3 }, (_, i) => base[i % 3] ?? 0);
  let contrast = 60;
  for (let cells = 3; cells < width; cells *= 2) {
    const rows = Math.max(2, Math.round((cells * height) / width));
    const noise = Buffer.from(Array.from({ length: cells * rows * 3 }, () => 255 * random()));
    const clouds = await sharp(noise, { raw: { width: cells, height: rows, channels: 3 } })
      .resize(width, height, { kernel: 'cubic', fit: 'fill' })
      .raw()
      .toBuffer();
    for (const [i, value] of clouds.entries()) light[i] = (light[i] ?? 0) + contrast * (value / 127.5 - 1);
    contrast *= DETAIL[number % DETAIL.length] as number;
  }
  const grain = () => (random() - 0.5) * 5;
  const pixels = Buffer.from(Uint8ClampedArray.from(light, (value) => value + grain()));
  const shapes = Array.from({ length: SHAPES }, () => {
    const [x, y, rx, ry, colour] = [width, height, width / 12, height / 12, 360].map(
      (most) => most * random(),
    );
    return `<ellipse cx="${x}" cy="${y}" rx="${rx}" ry="${ry}" fill="hsl(${colour},50%,50%)" opacity="0.4"/>`;
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${shapes.join('')}</svg>`;
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .composite([{ input: Buffer.from(svg) }])
    .jpeg({ quality: 85 })
    .toBuffer();
}

/** Mulberry32. */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
