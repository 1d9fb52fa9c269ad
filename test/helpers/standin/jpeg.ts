/** Markers that JPEG files are made of, written by hand: ffmpeg writes neither EXIF nor CMYK. */
function segment(marker: number, body: Buffer): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(body.length + 2, 2);
  return Buffer.concat([head, body]);
}

/** The file with a comment behind its first segment; decoders skip it. */
export function withJpegComment(file: Buffer, comment: string): [Buffer, Buffer, Buffer] {
  const first = 4 + file.readUInt16BE(4);
  return [file.subarray(0, first), segment(0xfe, Buffer.from(comment)), file.subarray(first)];
}

/** The file with an EXIF orientation (1 to 8; 6 means: turn a quarter clockwise to view). */
export function withOrientation(file: Buffer, orientation: number): Buffer {
  const tiff = Buffer.from('4d4d002a0000000800010112000300000001000000000000', 'hex');
  const ifd = Buffer.concat([tiff, Buffer.alloc(2)]);
  ifd.writeUInt16BE(orientation, 18);
  const exif = segment(0xe1, Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), ifd]));
  return Buffer.concat([file.subarray(0, 2), exif, file.subarray(2)]);
}

class BitWriter {
  readonly bytes: number[] = [];
  #value = 0;
  #count = 0;

  put(value: number, length: number): void {
    for (let bit = length - 1; bit >= 0; bit -= 1) {
      this.#value = (this.#value << 1) | ((value >> bit) & 1);
      this.#count += 1;
      if (this.#count === 8) this.#flush();
    }
  }

  /** Fills the last byte with ones, as the standard wants. */
  end(): void {
    while (this.#count > 0) this.put(1, 1);
  }

  #flush(): void {
    this.bytes.push(this.#value);
    if (this.#value === 0xff) this.bytes.push(0);
    this.#value = 0;
    this.#count = 0;
  }
}

/** DC difference of a block of one shade; quantiser 8 makes DC the shade itself, from -128 to 127. */
function putBlock(bits: BitWriter, difference: number): void {
  const size = difference === 0 ? 0 : 32 - Math.clz32(Math.abs(difference));
  bits.put(size, 4); // the table below gives sizes 0 to 11 the codes 0000 to 1011
  if (size > 0) bits.put(difference > 0 ? difference : difference + (1 << size) - 1, size);
  bits.put(0, 1); // end of block
}

/**
 * A baseline JPEG of four components with Adobe's marker, as print shops make them: inverted CMYK in
 * flat blocks of 8 by 8 that go from cyan to yellow and from light to dark.
 */
export function cmykJpeg(width: number, height: number): Buffer {
  const columns = Math.ceil(width / 8);
  const rows = Math.ceil(height / 8);
  const bits = new BitWriter();
  const last = [0, 0, 0, 0];
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const across = column / columns;
      const down = row / rows;
      const inks = [1 - across, 0.2, across, down * 0.5];
      for (const [component, ink] of inks.entries()) {
        const level = Math.round(255 * (1 - ink)) - 128;
        putBlock(bits, level - (last[component] ?? 0));
        last[component] = level;
      }
    }
  }
  bits.end();
  const frame = Buffer.from([8, height >> 8, height & 255, width >> 8, width & 255, 4]);
  const components = [1, 2, 3, 4];
  const dcTable = [0x00, 0, 0, 0, 12, ...new Array<number>(12).fill(0), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
  const acTable = [0x10, 1, ...new Array<number>(15).fill(0), 0x00];
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    segment(0xee, Buffer.from('41646f626500640000000000', 'hex')), // Adobe, transform 0
    segment(0xdb, Buffer.from([0, ...new Array<number>(64).fill(8)])),
    segment(0xc0, Buffer.concat([frame, Buffer.from(components.flatMap((id) => [id, 0x11, 0]))])),
    segment(0xc4, Buffer.from(dcTable)),
    segment(0xc4, Buffer.from(acTable)),
    segment(0xda, Buffer.from([4, ...components.flatMap((id) => [id, 0]), 0, 63, 0])),
    Buffer.from(bits.bytes),
    Buffer.from([0xff, 0xd9]),
  ]);
}
