/** An ISO base media box. */
export function box(type: string, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(body.length + 8);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, body]);
}

function fullBox(type: string, version: number, ...parts: Buffer[]): Buffer {
  return box(type, Buffer.from([version, 0, 0, 0]), ...parts);
}

function u32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, index * 4);
  return bytes;
}

/** Body and place of the first box of that type; enough for files that ffmpeg made. */
function findBox(file: Buffer, type: string): Buffer {
  const at = file.indexOf(type, 0, 'latin1');
  if (at < 4) throw new Error(`No ${type} box`);
  return file.subarray(at + 4, at - 4 + file.readUInt32BE(at - 4));
}

/** A HEIC photo (ISO 23008-12) around the one HEVC frame of an MP4: ffmpeg 5 has no writer for it. */
export function heicFrom(mp4: Buffer, width: number, height: number): Buffer {
  const hvcC = findBox(mp4, 'hvcC');
  const frame = findBox(mp4, 'mdat');
  const ftyp = box('ftyp', Buffer.from('heic'), u32(0), Buffer.from('mif1heic'));
  const properties = box('ipco', box('hvcC', hvcC), fullBox('ispe', 0, u32(width, height)));
  // One association: item 1 has the properties 1 (essential) and 2.
  const associations = fullBox('ipma', 0, u32(1), Buffer.from([0, 1, 2, 0x81, 0x02]));
  const hdlr = fullBox('hdlr', 0, u32(0), Buffer.from('pict'), u32(0, 0, 0), Buffer.from([0]));
  const infe = fullBox('infe', 2, Buffer.from([0, 1, 0, 0]), Buffer.from('hvc1'), Buffer.from([0]));
  const meta = (offset: number) =>
    fullBox(
      'meta',
      0,
      hdlr,
      fullBox('pitm', 0, Buffer.from([0, 1])),
      fullBox('iloc', 0, Buffer.from([0x44, 0, 0, 1, 0, 1, 0, 0, 0, 1]), u32(offset, frame.length)),
      fullBox('iinf', 0, Buffer.from([0, 1]), infe),
      box('iprp', properties, associations),
    );
  const offset = ftyp.length + meta(0).length + 8;
  return Buffer.concat([ftyp, meta(offset), box('mdat', frame)]);
}
