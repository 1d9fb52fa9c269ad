import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { heicQuarters } from '../slideshow/media.ts';

/** A PNG of one bit for each pixel, all black: some hundred times smaller than its pixels. */
function pngBomb(side: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header[8] = 1;
  const rows = Buffer.alloc((1 + Math.ceil(side / 8)) * side);
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    pngChunk('IHDR', header),
    pngChunk('IDAT', deflateSync(rows, { level: 1 })),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
}

function pngChunk(type: string, body: Buffer): Buffer {
  const typed = Buffer.concat([Buffer.from(type, 'latin1'), body]);
  const chunk = Buffer.alloc(typed.length + 8);
  chunk.writeUInt32BE(body.length, 0);
  typed.copy(chunk, 4);
  chunk.writeUInt32BE(crc32(typed), typed.length + 4);
  return chunk;
}

/** A GIF that says to be 60000 × 60000, with the data of one pixel. */
const GIF_BOMB = Buffer.from(
  '47494638396160ea60ea800000000000ffffff2c0000000060ea60ea000002024401003b',
  'hex',
);

/** A lossless WebP that says to be 16384 × 16384. */
function webpBomb(): Buffer {
  const body = Buffer.concat([Buffer.from('2fffffff0f', 'hex'), Buffer.alloc(4096)]);
  const head = Buffer.from('RIFF\0\0\0\0WEBPVP8L\0\0\0\0', 'latin1');
  head.writeUInt32LE(body.length + 12, 4);
  head.writeUInt32LE(body.length, 16);
  return Buffer.concat([head, body]);
}

const strip = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: '#123' } });

/** The file with its size in the image's properties (`ispe`) changed. */
function heicOf(width: number, height: number): Buffer {
  const file = Buffer.from(heicQuarters());
  for (let at = file.indexOf('ispe'); at >= 0; at = file.indexOf('ispe', at + 4)) {
    file.writeUInt32BE(width, at + 8);
    file.writeUInt32BE(height, at + 12);
  }
  return file;
}

const SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="/etc/passwd"/></svg>';

/** Files that pretend to be photos, by what they are. */
export async function hostilePictures(): Promise<[name: string, file: Buffer][]> {
  const jpeg = await strip(600, 400).jpeg().toBuffer();
  const heic = heicQuarters();
  return [
    ['a PNG bomb of 400 million pixels', pngBomb(20_000)],
    ['a GIF of 3.6 billion pixels', GIF_BOMB],
    ['a WebP of 268 million pixels', webpBomb()],
    ['a JPEG of 60000 × 1', await strip(60_000, 1).jpeg().toBuffer()],
    ['a PNG of 1 × 60000', await strip(1, 60_000).png().toBuffer()],
    ['a HEIC cut off', heic.subarray(0, heic.length - 200)],
    ['a HEIC that says to be 60000 × 60000', heicOf(60_000, 60_000)],
    ['a JPEG cut off', jpeg.subarray(0, jpeg.length / 2)],
    ['an SVG called a JPEG', Buffer.from(SVG)],
    ['an SVG behind the first bytes of a JPEG', Buffer.concat([jpeg.subarray(0, 20), Buffer.from(SVG)])],
    ['a TIFF', await strip(60, 40).tiff().toBuffer()],
  ];
}
