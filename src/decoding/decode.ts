import { readFile } from 'node:fs/promises';
import { crc32, deflateSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { MAX_PIXELS } from '../ffmpeg/index.ts';

// Pictures are untrusted: only loaders of formats that browsers know, no SVG, PDF or TIFF.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({
  operation: ['Jpeg', 'Png', 'Webp', 'Heif', 'Nsgif'].map((format) => `VipsForeignLoad${format}`),
});
// Each picture is used once, and pictures are decoded side by side with one thread each.
sharp.cache(false);
sharp.concurrency(1);

/** Pixels of a side; WebP's own bound. */
const MAX_SIDE = 16_383;

interface Size {
  width: number;
  height: number;
}

/** A picture that is not decoded yet, with its size when it is upright; `autoOrient()` turns it. */
export interface OpenedPicture extends Size {
  source: Sharp;
}

/**
 * Opens a picture; of an animation the first frame. Colours become sRGB by its profile when it is written.
 * @throws Error where the file is no picture of a known format, or has more than MAX_PIXELS or MAX_SIDE. A file that is
 *   cut off fails when it is decoded.
 */
export async function openPicture(path: string): Promise<OpenedPicture> {
  // 'error' fails on damaged pixels, not on an odd header.
  const source = sharp(path, { limitInputPixels: MAX_PIXELS, failOn: 'error' });
  const { compression, icc, autoOrient } = await source.metadata();
  assertSize(autoOrient);
  // The prebuilt libvips decodes AVIF, and of HEIC only the header: it has no HEVC decoder.
  return compression === 'hevc' ? openHeic(path, icc) : { source, ...autoOrient };
}

/** The size of a picture when it is upright. @throws as openPicture */
export async function sizeOfPicture(path: string): Promise<Size> {
  const { autoOrient } = await sharp(path, { limitInputPixels: MAX_PIXELS }).metadata();
  assertSize(autoOrient);
  return autoOrient;
}

function assertSize({ width, height }: Size): void {
  if (width * height > MAX_PIXELS || Math.max(width, height) > MAX_SIDE) {
    throw new Error(`a picture of ${width}×${height} pixels is too large`);
  }
}

async function openHeic(path: string, profile: Buffer | undefined): Promise<OpenedPicture> {
  // Loaded on demand: 2 MB of WebAssembly.
  const { default: libheif } = await import('libheif-js/wasm-bundle.js');
  const [image] = new libheif.HeifDecoder().decode(await readFile(path));
  if (!image) throw new Error('a HEIC file without a picture');
  // libheif has applied the rotation.
  const width = image.get_width();
  const height = image.get_height();
  assertSize({ width, height });
  const data = new Uint8ClampedArray(width * height * 4);
  const shown = await new Promise<unknown>((resolve) => image.display({ data, width, height }, resolve));
  image.free();
  if (!shown) throw new Error('a HEIC picture that does not decode');
  const source = sharp(data, { raw: { width, height, channels: 4 } });
  return { source: profile ? await withProfile(source, profile) : source, width, height };
}

const PNG_HEAD_BYTES = 33;

/** The same pixels with a colour profile, which sharp takes from files only: a PNG with an iCCP chunk. */
async function withProfile(source: Sharp, profile: Buffer): Promise<Sharp> {
  const png = await source.png({ compressionLevel: 0 }).toBuffer();
  const chunk = Buffer.concat([Buffer.from('iCCPicc\0\0', 'latin1'), deflateSync(profile)]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(chunk.length - 4);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(chunk));
  return sharp(
    Buffer.concat([png.subarray(0, PNG_HEAD_BYTES), length, chunk, checksum, png.subarray(PNG_HEAD_BYTES)]),
  );
}
