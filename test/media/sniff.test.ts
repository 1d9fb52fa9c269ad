import { describe, expect, it } from 'vitest';
import { sniffMedia } from '../../src/media/index.ts';

const box = (brand: string) =>
  Buffer.concat([Buffer.from('0000001866747970', 'hex'), Buffer.from(`${brand}\0\0\0\0isommp42`)]);
const bytes = (hex: string) => Buffer.concat([Buffer.from(hex, 'hex'), Buffer.alloc(200)]);

describe('sniffMedia', () => {
  it.each<[string, Buffer, string]>([
    ['MP4', box('isom'), 'video/mp4 mp4'],
    ['MP4 of another brand', box('mp42'), 'video/mp4 mp4'],
    ['m4v', box('M4V '), 'video/mp4 mp4'],
    ['QuickTime', box('qt  '), 'video/quicktime mov'],
    ['M4A', box('M4A '), 'audio/mp4 m4a'],
    ['HEIC', box('heic'), 'image/heic heic'],
    ['HEIF', box('mif1'), 'image/heif heic'],
    ['AVIF', box('avif'), 'image/avif avif'],
    ['MP3 with tags', bytes('494433040000000000 0a'.replace(' ', '')), 'audio/mpeg mp3'],
    ['MP3', bytes('fffb9064'), 'audio/mpeg mp3'],
    ['JPEG', bytes('ffd8ffe000104a464946'), 'image/jpeg jpg'],
    ['WebP', Buffer.from('RIFF\x24\0\0\0WEBPVP8 \x18\0\0\0'), 'image/webp webp'],
    ['PNG', bytes('89504e470d0a1a0a0000000d49484452'), 'image/png png'],
    ['GIF', Buffer.from('GIF89a\x01\0\x01\0\0\0\0'), 'image/gif gif'],
    ['WebVTT', Buffer.from('WEBVTT\n\n'), 'text/vtt; charset=utf-8 vtt'],
    ['WebVTT with a mark', Buffer.from('\uFEFFWEBVTT - x\n'), 'text/vtt; charset=utf-8 vtt'],
    [
      'SubRip',
      Buffer.from('1\r\n00:00:00,000 --> 00:00:01,000\r\nx'),
      'application/x-subrip; charset=utf-8 srt',
    ],
  ])('%s', async (_name, head, expected) => {
    const type = await sniffMedia(head);
    expect(`${type?.mime} ${type?.extension}`).toBe(expected);
  });

  it.each<[string, Buffer]>([
    ['nothing', Buffer.alloc(0)],
    ['zeros', Buffer.alloc(4096)],
    ['HTML', Buffer.from('<!DOCTYPE html><html>')],
    ['JSON', Buffer.from('{"status_code":10204}')],
    ['XML', Buffer.from('<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>')],
    ['SVG', Buffer.from('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>')],
    ['text', Buffer.from('Forbidden')],
    ['a text that begins like WebVTT', Buffer.from('WEBVTTX')],
    ['gzip', bytes('1f8b0800')],
    ['zip', bytes('504b030414000000')],
    ['PDF', Buffer.from('%PDF-1.7\n')],
  ])('%s is no media', async (_name, head) => {
    expect(await sniffMedia(head)).toBeNull();
  });
});
