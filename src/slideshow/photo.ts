import { openPicture } from '../decoding/index.ts';
import { fitOnCanvas, type Size } from './plan.ts';

/**
 * A photo as raw RGB pixels of the whole canvas: upright by its EXIF, converted to sRGB by its profile (also CMYK),
 * on black.
 * @throws Error as openPicture, and where the file is cut off
 */
export async function photoOnCanvas(path: string, canvas: Size): Promise<Buffer> {
  const { source, width, height } = await openPicture(path);
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
