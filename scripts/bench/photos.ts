/** Pictures that are as hard to encode as photos: light falling off, detail at every scale, edges, grain. */
import sharp from 'sharp';

/** What TikTok serves, most of it 1080 wide; one that has to be scaled down. */
const SIZES = [
  [1080, 1440],
  [1080, 1920],
  [1440, 1080],
  [1080, 1350],
  [1080, 1080],
  [1440, 1920],
] as const;
/** How much of each scale's contrast the next finer one has: from soft to busy. */
const DETAIL = [0.66, 0.78, 0.55, 0.74, 0.82];

/** JPEG bytes of the n-th picture; the same for the same number. */
export async function photo(number: number): Promise<Buffer> {
  const [width, height] = SIZES[number % SIZES.length] as (typeof SIZES)[number];
  const random = randomFrom(number + 1);
  const light = new Float32Array(width * height * 3);
  const base = [60 + random() * 120, 60 + random() * 120, 60 + random() * 120];
  for (let i = 0; i < light.length; i++) {
    light[i] = (base[i % 3] ?? 0) + 40 * (Math.floor(i / 3 / width) / height - 0.5);
  }
  let contrast = 60;
  for (let cells = 3; cells < width; cells *= 2) {
    await addClouds(light, width, height, cells, contrast, random);
    contrast *= DETAIL[number % DETAIL.length] as number;
  }
  for (let shape = 0; shape < 25; shape++) addShape(light, width, height, random);
  const pixels = Buffer.alloc(light.length);
  for (let i = 0; i < light.length; i++) {
    pixels[i] = Math.max(0, Math.min(255, (light[i] ?? 0) + (random() - 0.5) * 5));
  }
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 85 })
    .toBuffer();
}

/** Mulberry32: small, and good enough for pictures. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

async function addClouds(
  light: Float32Array,
  width: number,
  height: number,
  cells: number,
  contrast: number,
  random: () => number,
) {
  const rows = Math.max(2, Math.round((cells * height) / width));
  const noise = Buffer.alloc(cells * rows * 3);
  for (let i = 0; i < noise.length; i += 3) {
    const grey = random();
    for (let c = 0; c < 3; c++) noise[i + c] = 255 * (0.7 * grey + 0.3 * random());
  }
  const clouds = await sharp(noise, { raw: { width: cells, height: rows, channels: 3 } })
    .resize(width, height, { kernel: 'cubic', fit: 'fill' })
    .raw()
    .toBuffer();
  for (let i = 0; i < light.length; i++)
    light[i] = (light[i] ?? 0) + contrast * ((clouds[i] ?? 0) / 127.5 - 1);
}

function addShape(light: Float32Array, width: number, height: number, random: () => number) {
  const [left, top] = [Math.floor(random() * width), Math.floor(random() * height)];
  const [wide, high] = [Math.floor((random() * width) / 6), Math.floor((random() * height) / 6)];
  const colour = [random() * 160 - 80, random() * 160 - 80, random() * 160 - 80];
  const round = random() < 0.6;
  for (let y = top; y < Math.min(height, top + high); y++) {
    for (let x = left; x < Math.min(width, left + wide); x++) {
      if (round && (((x - left) / wide) * 2 - 1) ** 2 + (((y - top) / high) * 2 - 1) ** 2 > 1) continue;
      for (let c = 0; c < 3; c++) {
        const at = (y * width + x) * 3 + c;
        light[at] = (light[at] ?? 0) + (colour[c] ?? 0);
      }
    }
  }
}
