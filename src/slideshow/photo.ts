import { readFile } from 'node:fs/promises';
import sharp, { type Sharp } from 'sharp';
import { CANVAS, fitOnCanvas } from './plan.ts';

/** TikTok's own limit for a photo is 1080p and 20 MB; a picture beyond this is an attack on memory. */
const MAX_PIXELS = 50_000_000;

// Photos come from outside: only loaders of picture formats that browsers know, no SVG, PDF or TIFF.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({
  operation: ['Jpeg', 'Png', 'Webp', 'Heif', 'Nsgif'].map((format) => `VipsForeignLoad${format}`),
});
// One picture is used once: libvips has nothing to remember. Pictures run side by side, so one thread for each.
sharp.cache(false);
sharp.concurrency(1);

/**
 * One photo as raw RGB pixels of the whole canvas: upright by its EXIF, converted to sRGB by its profile
 * (CMYK too), transparency and the rest of the canvas black; the first picture of an animation.
 *
 * @throws Error where the file is no picture of a known kind, is cut off, or has more than 50 million pixels.
 */
export async function photoOnCanvas(path: string): Promise<Buffer> {
  const { source, width, height } = await decodePhoto(path);
  const { left, top, ...size } = fitOnCanvas({ width, height });
  const { data, info } = await source
    .autoOrient()
    .resize({ ...size, fit: 'fill' })
    .flatten({ background: '#000' })
    .toColourspace('srgb')
    .extend({
      left,
      top,
      right: CANVAS.width - left - size.width,
      bottom: CANVAS.height - top - size.height,
      background: '#000',
    })
    .raw()
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== 3) throw new Error(`a photo became ${info.channels} channels instead of 3`);
  return data;
}

async function decodePhoto(path: string): Promise<{ source: Sharp; width: number; height: number }> {
  // 'error': damage in the picture fails, a harmless oddity in a header does not.
  const source = sharp(path, { limitInputPixels: MAX_PIXELS, failOn: 'error' });
  const metadata = await source.metadata();
  // The prebuilt libvips has no HEVC decoder (patents): AVIF it reads, HEIC it only recognises.
  if (metadata.compression === 'hevc') return openHeic(path);
  return { source, ...metadata.autoOrient };
}

async function openHeic(path: string): Promise<{ source: Sharp; width: number; height: number }> {
  // Only where it is needed: reading its 2 MB of WebAssembly takes longer than decoding two JPEGs.
  const { default: libheif } = await import('libheif-js/wasm-bundle.js');
  const [image] = new libheif.HeifDecoder().decode(await readFile(path));
  if (!image) throw new Error('a HEIC file without a picture');
  // libheif has turned the picture already.
  const width = image.get_width();
  const height = image.get_height();
  if (width * height > MAX_PIXELS) throw new Error(`a HEIC photo of ${width}×${height} pixels is too large`);
  const data = new Uint8ClampedArray(width * height * 4);
  const shown = await new Promise<unknown>((resolve) => image.display({ data, width, height }, resolve));
  image.free();
  if (!shown) throw new Error('a HEIC photo that does not decode');
  return { source: sharp(data, { raw: { width, height, channels: 4 } }), width, height };
}
