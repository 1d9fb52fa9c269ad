import { fileTypeFromBuffer } from 'file-type';

/** The type of a file by its first bytes. */
export interface MediaType {
  mime: string;
  /** Without a dot. */
  extension: string;
}

/** Number of bytes at the start of a file that are examined; file-type looks at as many. */
export const SNIFF_BYTES = 4096;

/** file-type's name → the name that browsers and players use. */
const RENAMED: Readonly<Record<string, MediaType>> = {
  // ISO files of rarer brands, which browsers play as video/mp4.
  'video/quicktime': { mime: 'video/mp4', extension: 'mp4' },
  'video/x-m4v': { mime: 'video/mp4', extension: 'mp4' },
  'audio/x-m4a': { mime: 'audio/mp4', extension: 'm4a' },
  'image/heif': { mime: 'image/heif', extension: 'heic' },
};

/**
 * The type of a media file by its first bytes; null for HTML, JSON, XML, text and archives. The CDN's Content-Type and
 * the ending of a link are no help: both say `video/mp4` for sounds and `jpeg` for WebP.
 */
export async function sniffMedia(head: Buffer): Promise<MediaType | null> {
  const text = head.toString('latin1', 0, 64).replace(/^\u00EF\u00BB\u00BF/, '');
  if (/^WEBVTT(?:[ \t\r\n]|$)/.test(text)) return { mime: 'text/vtt; charset=utf-8', extension: 'vtt' };
  // SubRip, the second format of TikTok's subtitles.
  if (/^\s*\d+\r?\n\d\d:\d\d:\d\d,\d{3} --> /.test(text)) {
    return { mime: 'application/x-subrip; charset=utf-8', extension: 'srt' };
  }
  // Captions by the creator, in the format of TikTok's editor.
  if (/^\s*\{\s*"utterances"/.test(text)) return { mime: 'application/json', extension: 'json' };
  const found = await fileTypeFromBuffer(head);
  // file-type looks for the first frame behind the tags, and fails where padding follows them.
  if (!found && text.startsWith('ID3')) return { mime: 'audio/mpeg', extension: 'mp3' };
  if (!found || !/^(?:video|audio|image)\//.test(found.mime) || found.mime === 'image/svg+xml') return null;
  if (found.mime === 'video/quicktime' && head.toString('latin1', 8, 12) === 'qt  ') {
    return { mime: found.mime, extension: 'mov' };
  }
  return RENAMED[found.mime] ?? { mime: found.mime, extension: found.ext };
}
