import sharp from 'sharp';
import { box } from '../helpers/standin/heic.ts';
import { type Colour, heicQuarters } from '../slideshow/media.ts';

/** The quarters as HEIC whose colours are Display P3's, by a profile in place of the file's own `colr` property. */
export async function heicInP3(): Promise<Buffer> {
  const dot = sharp({ create: { width: 8, height: 8, channels: 3, background: '#888' } });
  const { icc } = await sharp(await dot.withIccProfile('p3').jpeg().toBuffer()).metadata();
  if (!icc) throw new Error('no profile');
  const file = Buffer.from(heicQuarters());
  const at = file.indexOf('colr') - 4;
  const end = at + file.readUInt32BE(at);
  const property = box('colr', Buffer.from('prof'), icc);
  const grown = property.length - (end - at);
  for (const type of ['meta', 'iprp', 'ipco']) {
    const start = file.indexOf(type) - 4;
    file.writeUInt32BE(file.readUInt32BE(start) + grown, start);
  }
  // The offset of the picture's data: the last but one number of `iloc`.
  const iloc = file.indexOf('iloc') - 4;
  const offset = iloc + file.readUInt32BE(iloc) - 8;
  file.writeUInt32BE(file.readUInt32BE(offset) + grown, offset);
  return Buffer.concat([file.subarray(0, at), property, file.subarray(end)]);
}

const TO_SRGB = [
  [1.2249, -0.2247, 0],
  [-0.042, 1.0419, 0],
  [-0.0197, -0.0786, 1.0979],
] as const;

/** A colour of Display P3 in sRGB; both have the same curve. */
export function fromP3(colour: Colour): Colour {
  const linear = colour.map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  const [r = 0, g = 0, b = 0] = TO_SRGB.map((row) => {
    const part = row.reduce<number>((sum, weight, c) => sum + weight * (linear[c] ?? 0), 0);
    const curved = part <= 0.0031308 ? 12.92 * part : 1.055 * part ** (1 / 2.4) - 0.055;
    return Math.round(255 * Math.min(1, Math.max(0, curved)));
  });
  return [r, g, b];
}
