import { createCipheriv, createHash } from 'node:crypto';
import { box } from './heic.ts';
import { withJpegComment } from './jpeg.ts';
import type { MediaLibrary } from './media.ts';
import { type AssetPart, PHOTO_SHAPES, RENDITIONS, type StandinPost } from './posts.ts';
import { digest } from './signing.ts';

/** A piece of a file that is made when it is read. */
interface MadePiece {
  length: number;
  read(from: number, to: number): Buffer;
}

/** One file as the CDN has it. */
export interface Content {
  size: number;
  type: string;
  etag: string;
  modified: Date;
  pieces: Array<Buffer | MadePiece>;
}

/** Most that goes to a socket in one write. */
const CHUNK = 256 * 1024;

/** The bytes from `from` up to, not including, `to`. */
export function* chunksOf(content: Content, from: number, to: number): Generator<Buffer> {
  let start = 0;
  for (const piece of content.pieces) {
    const end = Math.min(to - start, piece.length);
    for (let at = Math.max(0, from - start); at < end; at += CHUNK) {
      const until = Math.min(end, at + CHUNK);
      yield Buffer.isBuffer(piece) ? piece.subarray(at, until) : piece.read(at, until);
    }
    start += piece.length;
  }
}

/** The whole file; for files that fit into memory. */
export function bytesOf(content: Content): Buffer {
  return Buffer.concat([...chunksOf(content, 0, content.size)]);
}

export function sha256Of(content: Content): string {
  const hash = createHash('sha256');
  for (const chunk of chunksOf(content, 0, content.size)) hash.update(chunk);
  return hash.digest('hex');
}

const BLOCK = 64 * 1024;
let noise: Buffer | undefined;

/** Noise that cannot be compressed, one block of it, stamped with its number wherever it is read. */
function noisePiece(length: number, seed: string): MadePiece {
  noise ??= createCipheriv('aes-128-ctr', Buffer.alloc(16, 7), Buffer.alloc(16)).update(Buffer.alloc(BLOCK));
  const pattern = noise;
  const stamp = digest(seed);
  return {
    length,
    read(from, to) {
      const first = Math.floor(from / BLOCK);
      const last = Math.ceil(to / BLOCK);
      const blocks = Buffer.allocUnsafe((last - first) * BLOCK);
      for (let block = first; block < last; block += 1) {
        const at = (block - first) * BLOCK;
        pattern.copy(blocks, at);
        stamp.copy(blocks, at);
        blocks.writeUInt32BE(block, at + 12);
      }
      return blocks.subarray(from - first * BLOCK, to - first * BLOCK);
    },
  };
}

/** MP4 made unlike any other by a box at its end that players skip. */
function markedMp4(base: Buffer, mark: string, bigBytes: number | null): Array<Buffer | MadePiece> {
  const tail = box('free', Buffer.from(mark));
  const room = (bigBytes ?? 0) - base.length - tail.length - 8;
  if (room <= 0) return [base, tail];
  const head = Buffer.alloc(8);
  head.writeUInt32BE(room + 8);
  head.write('free', 4, 'latin1');
  return [base, tail, head, noisePiece(room, mark)];
}

/** MP3 with an ID3v1 tag at its end; the ID3v2 tag at its start is ffmpeg's. */
function markedMp3(base: Buffer, mark: string): Buffer[] {
  const tag = Buffer.alloc(128);
  tag.write('TAG', 0, 'latin1');
  tag.write(mark.slice(0, 30), 3, 'latin1');
  tag.write(mark.slice(30, 60), 97, 'latin1');
  return [base, tag];
}

/** WebP in its extended form (VP8X), with the mark where XMP metadata goes. */
function markedWebp(base: Buffer, mark: string, width: number, height: number): Buffer[] {
  const text = Buffer.from(mark.length % 2 ? `${mark} ` : mark);
  const head = Buffer.alloc(30);
  head.write('RIFF', 0, 'latin1');
  head.write('WEBPVP8X', 8, 'latin1');
  head.writeUInt32LE(10, 16);
  head[20] = 0x04; // XMP is there
  head.writeUIntLE(width - 1, 24, 3);
  head.writeUIntLE(height - 1, 27, 3);
  const frame = base.subarray(12);
  head.writeUInt32LE(22 + frame.length + 8 + text.length, 4);
  const xmp = Buffer.alloc(8);
  xmp.write('XMP ', 0, 'latin1');
  xmp.writeUInt32LE(text.length, 4);
  return [head, frame, xmp, text];
}

function subtitleText(post: StandinPost, index: number): string {
  const subtitle = post.subtitles[index];
  const line = `${subtitle?.language} subtitle of ${post.id}`;
  if (subtitle?.format === 'creator_caption') {
    return JSON.stringify({ utterances: [{ start_time: 0, end_time: 1800, text: line }] });
  }
  return `WEBVTT\n\n00:00:00.000 --> 00:00:01.800\n${line}\n\n00:00:01.800 --> 00:00:03.500\nsecond line — ünïcode\n`;
}

/** Pieces and Content-Type of one file of a post; null where the post has no such file. */
function piecesOf(media: MediaLibrary, post: StandinPost, part: AssetPart, index: number, mark: string) {
  if (part === 'video') {
    const rendition = post.renditions[index];
    if (rendition === undefined) return null;
    const file = post.wide ? 'h264_540_wide.mp4' : RENDITIONS[rendition].file;
    return { type: 'video/mp4', pieces: markedMp4(post.ownVideo ?? media.get(file), mark, post.bigBytes) };
  }
  if (part === 'download') {
    return post.download
      ? { type: 'video/mp4', pieces: markedMp4(media.get('watermarked.mp4'), mark, null) }
      : null;
  }
  if (part === 'marked' && post.kind === 'photo') {
    if (post.photos[index] === undefined) return null;
    return { type: 'image/jpeg', pieces: withJpegComment(media.get('cover.jpg'), mark) };
  }
  if (part === 'marked' || part === 'original') {
    const file = part === 'marked' ? 'watermarked.mp4' : 'h264_1080.mp4';
    return post.kind === 'photo'
      ? null
      : { type: 'video/mp4', pieces: markedMp4(media.get(file), mark, null) };
  }
  if (part === 'live') {
    return post.live.includes(index)
      ? { type: 'video/mp4', pieces: markedMp4(media.get('live.mp4'), mark, null) }
      : null;
  }
  if (part === 'music') {
    if (post.music === '' || post.music === null) return null;
    if (post.music === 'm4a' || post.music === 'mp4') {
      const type = post.music === 'm4a' ? 'audio/mp4' : 'video/mp4';
      return { type, pieces: markedMp4(media.get('sound.m4a'), mark, null) };
    }
    return { type: 'audio/mpeg', pieces: markedMp3(media.get('sound.mp3'), mark) };
  }
  if (part === 'subtitle') {
    if (post.subtitles[index] === undefined) return null;
    // The links say mime_type=video_mp4, and the CDN takes its Content-Type from there.
    return { type: 'video/mp4', pieces: [Buffer.from(subtitleText(post, index))] };
  }
  if (part === 'photo') {
    const shape = PHOTO_SHAPES[post.photos[index] ?? ''];
    if (shape === undefined) return null;
    const base = media.get(shape.file);
    if (shape.type === 'webp') {
      return { type: 'image/webp', pieces: markedWebp(base, mark, shape.width, shape.height) };
    }
    if (shape.type === 'heic') return { type: 'image/heic', pieces: [base, box('free', Buffer.from(mark))] };
    return { type: 'image/jpeg', pieces: withJpegComment(base, mark) };
  }
  const file = part === 'cover' ? 'cover.jpg' : 'avatar.jpg';
  return { type: 'image/jpeg', pieces: withJpegComment(media.get(file), mark) };
}

/** From here on another version's bytes differ: what a relay looks at to tell what a file is stays the same. */
const ALIKE_BYTES = 4096;
/** More often than any number of bytes by which two files could be compared where one broke off. */
const ALTERED_EVERY = 500;

/** Of the same size and the same start, and another file nevertheless. */
function altered(piece: Buffer): Buffer {
  const copy = Buffer.from(piece);
  for (let at = ALIKE_BYTES; at < copy.length; at += ALTERED_EVERY) copy[at] = (copy[at] ?? 0) ^ 0xff;
  return copy;
}

/**
 * The very bytes of one file of a post. Every post has its own, so that a test can prove that the right
 * file came; `version` makes other bytes at the same address.
 */
export function contentOf(
  media: MediaLibrary,
  post: StandinPost,
  part: AssetPart,
  index: number,
  version = 0,
): Content | null {
  const mark = `${post.id} ${part} ${index} version ${version}`;
  const made = piecesOf(media, post, part, index, mark);
  if (made === null) return null;
  if (version > 0)
    made.pieces = made.pieces.map((piece) => (Buffer.isBuffer(piece) ? altered(piece) : piece));
  const size = made.pieces.reduce((sum, piece) => sum + piece.length, 0);
  return {
    ...made,
    size,
    // Worked out only for the CDN: a page asks for the sizes of ten files and must stay cheap.
    get etag() {
      return `"${digest(`${mark} ${size}`).toString('hex')}"`;
    },
    modified: new Date((post.createTime + version * 3600) * 1000),
  };
}
