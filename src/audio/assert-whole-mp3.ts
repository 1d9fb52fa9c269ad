import { open } from 'node:fs/promises';

/** Bytes of an ID3 header, and of the first frame up to the end of its `Info` block. */
const ID3_HEAD_BYTES = 10;
const FIRST_FRAME_BYTES = 256;

/**
 * Checks an MP3 against the byte count in its first frame (LAME's Info block), which ffmpeg writes last. Catches a file
 * cut off by a full disk, whatever the exit code.
 * @throws Error where they differ or there is no such block
 */
export async function assertWholeMp3(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const head = Buffer.alloc(ID3_HEAD_BYTES);
    await file.read(head, 0, head.length, 0);
    const tagged = head.toString('latin1', 0, 3) === 'ID3';
    // Four bytes of seven bits each.
    const tag = [6, 7, 8, 9].reduce((sum, at) => sum * 128 + (head[at] ?? 0), 0);
    const start = tagged ? ID3_HEAD_BYTES + tag : 0;
    const frame = Buffer.alloc(FIRST_FRAME_BYTES);
    await file.read(frame, 0, frame.length, start);
    const info = frame.indexOf('Info', 0, 'latin1');
    // Name, flags, number of frames, number of bytes.
    const expected = info < 0 || info + 16 > frame.length ? Number.NaN : frame.readUInt32BE(info + 12);
    if (expected !== size - start) throw new Error(`an MP3 of ${size - start} bytes instead of ${expected}`);
  } finally {
    await file.close();
  }
}
