import { readFile } from 'node:fs/promises';
import sharp, { type Sharp } from 'sharp';
import { MAX_PIXELS } from '../ffmpeg/index.ts';
import { fitOnCanvas, type Size } from './plan.ts';

// Photos are untrusted: only loaders of formats that browsers know, no SVG, PDF or TIFF.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({
  operation: ['Jpeg', 'Png', 'Webp', 'Heif', 'Nsgif'].map((format) => `VipsForeignLoad${format}`),
});
// Each photo is used once, and photos are decoded side by side with one thread each.
sharp.cache(false);
sharp.concurrency(1);

/**
 * A photo as raw RGB pixels of the whole canvas: upright by its EXIF, converted to sRGB by its profile (also CMYK),
 * on black; of an animation the first frame.
 * @throws Error where the file is no picture of a known format, is cut off, or has more than MAX_PIXELS
 */
export async function photoOnCanvas(path: string, canvas: Size): Promise<Buffer> {
  const { source, width, height } = await decodePhoto(path);
  const { left, top, ...size } = fitOnCanvas({ width, height }, canvas);
  const { data, info } = await source
    .autoOrient()
    .resize({ ...size, fit: 'fill' })
    .flatten({ background: '#000' })
    .toColourspace('srgb')
    .extend({
      left,
      top,
      right: canvas.width - left - size.width,
      bottom: canvas.height - top - size.height,
      background: '#000',
    })
    .raw()
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== 3) throw new Error(`a photo became ${info.channels} channels instead of 3`);
  return data;
}

/** The size of a photo when it is upright. */
export async function sizeOfPhoto(path: string): Promise<Size> {
  return (await sharp(path, { limitInputPixels: MAX_PIXELS }).metadata()).autoOrient;
}

async function decodePhoto(path: string): Promise<Size & { source: Sharp }> {
  // 'error' fails on damaged pixels, not on an odd header.
  const source = sharp(path, { limitInputPixels: MAX_PIXELS, failOn: 'error' });
  const metadata = await source.metadata();
  // The prebuilt libvips decodes AVIF, and of HEIC only the header: it has no HEVC decoder.
  if (metadata.compression === 'hevc') return openHeic(path);
  return { source, ...metadata.autoOrient };
}

async function openHeic(path: string): Promise<Size & { source: Sharp }> {
  // Loaded on demand: 2 MB of WebAssembly.
  const { default: libheif } = await import('libheif-js/wasm-bundle.js');
  const [image] = new libheif.HeifDecoder().decode(await readFile(path));
  if (!image) throw new Error('a HEIC file without a picture');
  // libheif has applied the rotation.
  const width = image.get_width();
  const height = image.get_height();
  if (width * height > MAX_PIXELS) throw new Error(`a HEIC photo of ${width}×${height} pixels is too large`);
  const data = new Uint8ClampedArray(width * height * 4);
  const shown = await new Promise<unknown>((resolve) => image.display({ data, width, height }, resolve));
  image.free();
  if (!shown) throw new Error('a HEIC photo that does not decode');
  return { source: sharp(data, { raw: { width, height, channels: 4 } }), width, height };
}
