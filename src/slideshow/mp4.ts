import { open } from 'node:fs/promises';

/**
 * Reads the top-level boxes of an MP4 and throws where they do not cover the file exactly, or the index (`moov`) does
 * not come before the pictures (`mdat`). Catches a file cut off by a full disk, whatever ffmpeg's exit code says.
 */
export async function assertWholeMp4(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const types: string[] = [];
    const header = Buffer.alloc(16);
    let at = 0;
    while (at < size) {
      const { bytesRead } = await file.read(header, 0, 16, at);
      if (bytesRead < 8) throw new Error('an MP4 that ends inside a box');
      const short = header.readUInt32BE(0);
      // 1 says that the length follows in 64 bits.
      const length = short === 1 && bytesRead === 16 ? Number(header.readBigUInt64BE(8)) : short;
      if (length < 8) throw new Error(`an MP4 box of ${length} bytes`);
      types.push(header.toString('latin1', 4, 8));
      at += length;
    }
    const [index, pictures] = [types.indexOf('moov'), types.indexOf('mdat')];
    if (at !== size || index < 0 || pictures < index)
      throw new Error(`an unfinished MP4: ${types.join(' ')}`);
  } finally {
    await file.close();
  }
}
