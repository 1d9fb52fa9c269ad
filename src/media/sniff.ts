import { fileTypeFromBuffer } from 'file-type';

/** What a file is by its first bytes. */
export interface MediaType {
  mime: string;
  /** Without a dot. */
  extension: string;
}

/** As many bytes as file-type looks at; the start of a file is examined up to here before anything is promised. */
export const SNIFF_BYTES = 4096;

/** file-type's name → what browsers and players call it. */
const RENAMED: Readonly<Record<string, MediaType>> = {
  // ISO files whose brand file-type files under a rarer name; a browser plays them as video/mp4.
  'video/quicktime': { mime: 'video/mp4', extension: 'mp4' },
  'video/x-m4v': { mime: 'video/mp4', extension: 'mp4' },
  'audio/x-m4a': { mime: 'audio/mp4', extension: 'm4a' },
  'image/heif': { mime: 'image/heif', extension: 'heic' },
};

/**
 * The type of a media file from its first bytes; null for what is no media: HTML, JSON, XML, text, archives.
 * The upstream's Content-Type and the link's ending are not asked: both say `video/mp4` of sounds and `jpeg` of
 * WebP.
 */
export async function sniffMedia(head: Buffer): Promise<MediaType | null> {
  const text = head.toString('latin1', 0, 64).replace(/^\u00EF\u00BB\u00BF/, '');
  if (/^WEBVTT(?:[ \t\r\n]|$)/.test(text)) return { mime: 'text/vtt; charset=utf-8', extension: 'vtt' };
  // SubRip, the other format TikTok's subtitles come in.
  if (/^\s*\d+\r?\n\d\d:\d\d:\d\d,\d{3} --> /.test(text)) {
    return { mime: 'application/x-subrip; charset=utf-8', extension: 'srt' };
  }
  // What creators write themselves, as TikTok's editor keeps it.
  if (/^\s*\{\s*"utterances"/.test(text)) return { mime: 'application/json', extension: 'json' };
  const found = await fileTypeFromBuffer(head);
  // file-type looks behind the tags for the first frame, and gives up where padding follows.
  if (!found && text.startsWith('ID3')) return { mime: 'audio/mpeg', extension: 'mp3' };
  if (!found || !/^(?:video|audio|image)\//.test(found.mime) || found.mime === 'image/svg+xml') return null;
  if (found.mime === 'video/quicktime' && head.toString('latin1', 8, 12) === 'qt  ') {
    return { mime: found.mime, extension: 'mov' };
  }
  return RENAMED[found.mime] ?? { mime: found.mime, extension: found.ext };
}
