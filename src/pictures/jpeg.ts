import { openPicture } from '../decoding/index.ts';

/** What a picture becomes: a JPEG of its own size, or a small one for a grid. */
export interface JpegForm {
  /** Pixels; null for the picture's own. A picture is never made larger. */
  width: number | null;
}

/** Pixels up to which a JPEG gets the shortest codes, for which the encoder holds all of it in memory. */
const OPTIMISED_PIXELS = 8_000_000;

/**
 * Writes a picture as a JPEG: upright, in sRGB, on white, without metadata.
 * @throws Error as openPicture, and where the file is cut off
 */
export async function writeJpeg(from: string, to: string, { width }: JpegForm): Promise<void> {
  const { source, ...size } = await openPicture(from);
  const optimiseCoding = size.width * size.height <= OPTIMISED_PIXELS;
  const upright = source.autoOrient();
  const sized = width === null ? upright : upright.resize({ width, withoutEnlargement: true });
  const quality =
    width === null
      ? { quality: 90, chromaSubsampling: '4:4:4', optimiseCoding }
      : { quality: 75, chromaSubsampling: '4:2:0' };
  await sized.flatten({ background: '#fff' }).toColourspace('srgb').jpeg(quality).toFile(to);
}
