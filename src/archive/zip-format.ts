/** A file in an archive, stored without compression. */
export interface ZipFile {
  /** Without folders. */
  name: string;
  /** Bytes. */
  size: number;
}

/** A file whose place and checksum in the archive are known. */
export interface PlacedFile extends ZipFile {
  /** CRC-32 of the bytes. */
  crc: number;
  /** Offset of its local header in the archive. */
  offset: number;
}

/** Largest archive without ZIP64. */
export const MAX_ZIP_BYTES = 0xffff_ffff;

const LOCAL_HEADER_BYTES = 30;
const DIRECTORY_ENTRY_BYTES = 46;
const DIRECTORY_END_BYTES = 22;

const LOCAL_HEADER = 0x04034b50;
const DIRECTORY_ENTRY = 0x02014b50;
const DIRECTORY_END = 0x06054b50;
/** Version 2.0, made on Unix, so that readers take the permissions from the entry. */
const MADE_BY = (3 << 8) | 20;
const NEEDED_TO_EXTRACT = 20;
/** Names are UTF-8. */
const FLAGS = 0x0800;
/** Permissions -rw-r--r-- of a regular file, in the upper half. */
const ATTRIBUTES = 0o100644 * 0x1_0000;

/** Bytes of the archive of these files. */
export function zipSize(files: readonly ZipFile[]): number {
  const each = files.map(
    ({ name, size }) => LOCAL_HEADER_BYTES + DIRECTORY_ENTRY_BYTES + 2 * Buffer.byteLength(name) + size,
  );
  return each.reduce((sum, bytes) => sum + bytes, DIRECTORY_END_BYTES);
}

/**
 * The header before a file's bytes. It holds the checksum: the form that leaves it for later (a data descriptor) is
 * rejected for stored files by some readers, Java's among them.
 */
export function localHeader({ name, size, crc }: Omit<PlacedFile, 'offset'>, date: Date): Buffer {
  const header = Buffer.alloc(LOCAL_HEADER_BYTES);
  header.writeUInt32LE(LOCAL_HEADER, 0);
  header.writeUInt16LE(NEEDED_TO_EXTRACT, 4);
  writeCommon(header, 6, { name, size, crc }, date);
  return Buffer.concat([header, Buffer.from(name)]);
}

/** The directory at the end of an archive. */
export function zipDirectory(files: readonly PlacedFile[], date: Date): Buffer {
  const entries = Buffer.concat(files.map((file) => directoryEntry(file, date)));
  const offset = files.reduce(
    (sum, { name, size }) => sum + LOCAL_HEADER_BYTES + Buffer.byteLength(name) + size,
    0,
  );
  const end = Buffer.alloc(DIRECTORY_END_BYTES);
  end.writeUInt32LE(DIRECTORY_END, 0);
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(entries.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([entries, end]);
}

function directoryEntry(file: PlacedFile, date: Date): Buffer {
  const entry = Buffer.alloc(DIRECTORY_ENTRY_BYTES);
  entry.writeUInt32LE(DIRECTORY_ENTRY, 0);
  entry.writeUInt16LE(MADE_BY, 4);
  entry.writeUInt16LE(NEEDED_TO_EXTRACT, 6);
  writeCommon(entry, 8, file, date);
  entry.writeUInt32LE(ATTRIBUTES, 38);
  entry.writeUInt32LE(file.offset, 42);
  return Buffer.concat([entry, Buffer.from(file.name)]);
}

/** The fields that both headers have, from the flags to the length of the name. Compression 0 is "stored". */
function writeCommon(
  header: Buffer,
  at: number,
  { name, size, crc }: Omit<PlacedFile, 'offset'>,
  date: Date,
): void {
  header.writeUInt16LE(FLAGS, at);
  header.writeUInt32LE(dosDateTime(date), at + 4);
  header.writeUInt32LE(crc, at + 8);
  header.writeUInt32LE(size, at + 12);
  header.writeUInt32LE(size, at + 16);
  header.writeUInt16LE(Buffer.byteLength(name), at + 20);
}

/** Date and time in UTC as MS-DOS has them: from 1980 to 2107, in steps of two seconds. */
function dosDateTime(date: Date): number {
  const year = Math.min(Math.max(date.getUTCFullYear(), 1980), 2107);
  const day = ((year - 1980) << 9) | ((date.getUTCMonth() + 1) << 5) | date.getUTCDate();
  const time = (date.getUTCHours() << 11) | (date.getUTCMinutes() << 5) | (date.getUTCSeconds() >> 1);
  return day * 0x1_0000 + time;
}
