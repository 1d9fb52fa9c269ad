import { type FileHandle, open } from 'node:fs/promises';

/** Bytes of the index; that of 35 photos has 50 KB. */
const MAX_INDEX_BYTES = 16 * 1024 * 1024;

/**
 * Checks an MP4 that ffmpeg wrote: its boxes cover the file exactly, the index (`moov`) comes before the frames
 * (`mdat`), and it lists `frames` video frames where that is given. Catches a file cut off by a full disk, whatever the exit code; ffmpeg
 * 7.0 reports no frame count of copied streams.
 * @throws Error
 */
export async function assertWholeMp4(path: string, frames?: number): Promise<void> {
  const file = await open(path, 'r');
  try {
    const boxes = await topLevelBoxes(file);
    const types = boxes.map(({ type }) => type);
    const [index, media] = [types.indexOf('moov'), types.indexOf('mdat')];
    const moov = boxes[index];
    if (!moov || media < index || moov.length > MAX_INDEX_BYTES) {
      throw new Error(`an unfinished MP4: ${types.join(' ')}`);
    }
    if (frames === undefined) return;
    const bytes = Buffer.alloc(moov.length);
    await file.read(bytes, 0, moov.length, moov.at);
    const found = countFrames(bytes.subarray(8));
    if (found !== frames) throw new Error(`an MP4 with ${found} of ${frames} frames`);
  } finally {
    await file.close();
  }
}

interface Box {
  type: string;
  /** Offset in the file. */
  at: number;
  /** Bytes, header included. */
  length: number;
}

async function topLevelBoxes(file: FileHandle): Promise<Box[]> {
  const { size } = await file.stat();
  const boxes: Box[] = [];
  const header = Buffer.alloc(16);
  let at = 0;
  while (at < size) {
    const { bytesRead } = await file.read(header, 0, 16, at);
    if (bytesRead < 8) throw new Error('an MP4 that ends inside a box');
    const short = header.readUInt32BE(0);
    // 1: the length follows in 64 bits.
    const length = short === 1 && bytesRead === 16 ? Number(header.readBigUInt64BE(8)) : short;
    if (length < 8) throw new Error(`an MP4 box of ${length} bytes`);
    boxes.push({ type: header.toString('latin1', 4, 8), at, length });
    at += length;
  }
  if (at !== size) throw new Error(`an MP4 that ends inside its ${boxes.at(-1)?.type}`);
  return boxes;
}

/** Samples of the video track, by its table of sizes (ISO/IEC 14496-12 §8.7.3). */
function countFrames(moov: Buffer): number {
  for (const trak of inside(moov, 'trak')) {
    for (const mdia of inside(trak, 'mdia')) {
      const [handler] = inside(mdia, 'hdlr');
      if (handler?.toString('latin1', 8, 12) !== 'vide') continue;
      const [minf = Buffer.alloc(0)] = inside(mdia, 'minf');
      const [stbl = Buffer.alloc(0)] = inside(minf, 'stbl');
      const [sizes] = inside(stbl, 'stsz');
      return sizes && sizes.length >= 12 ? sizes.readUInt32BE(8) : 0;
    }
  }
  return 0;
}

/** The contents of all boxes of a type that lie directly in a container. */
function inside(container: Buffer, type: string): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at + 8 <= container.length; ) {
    const length = container.readUInt32BE(at);
    if (length < 8) break;
    if (container.toString('latin1', at + 4, at + 8) === type)
      found.push(container.subarray(at + 8, at + length));
    at += length;
  }
  return found;
}
