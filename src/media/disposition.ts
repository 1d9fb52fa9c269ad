import { create } from 'content-disposition';

/** In UTF-8. File names may have 255 bytes; browsers append to them (` (1)`, `.crdownload`). */
const MAX_USER_BYTES = 120;
const MAX_ID_LENGTH = 32;

export interface FileNameParts {
  /** The author's @name. */
  user: string;
  /** The post's id. */
  id: string;
  /** Position of a photo, from 1. */
  index?: number;
  /** Without a dot. */
  extension: string;
}

/**
 * `user_ID.ext`, or `user_ID_01.jpg` for one of several. Contains letters and digits of any script (Douyin's names) and
 * `._-` only. The id prevents Windows' device names (`CON`, `NUL.mp4`), and tells files apart where nothing of the
 * user name is left.
 */
export function mediaFileName({ user, id, index, extension }: FileNameParts): string {
  const name = cut(clean(user), MAX_USER_BYTES) || 'post';
  const number = clean(id.replace(/[^A-Za-z0-9._-]/g, '')).slice(0, MAX_ID_LENGTH) || '0';
  const position = index === undefined ? '' : `_${String(index).padStart(2, '0')}`;
  const ending =
    extension
      .toLowerCase()
      .replace(/[^a-z0-9]/g, '')
      .slice(0, 8) || 'bin';
  return `${name}_${number}${position}.${ending}`;
}

/** Removes a leading dot (hidden file), hyphen (a command's option) or combining mark, and any `..`. */
function clean(text: string): string {
  return text
    .normalize('NFC')
    .replace(/[^\p{L}\p{N}\p{M}._-]|\p{Default_Ignorable_Code_Point}/gu, '')
    .replace(/\.{2,}/g, '.')
    .replace(/^[.\p{M}-]+/u, '');
}

function cut(text: string, bytes: number): string {
  let kept = '';
  for (const character of text) {
    if (Buffer.byteLength(kept + character) > bytes) break;
    kept += character;
  }
  return kept;
}

/**
 * Content-Disposition (RFC 6266) for a name from `mediaFileName`: always both `filename`, in ASCII (é becomes e, other
 * characters are left out), and `filename*`, which the library writes only where they differ.
 */
export function contentDisposition(name: string, inline: boolean): string {
  const ascii = name
    .normalize('NFKD')
    .replace(/[^\x20-\x7E]/g, '')
    .replace(/^_/, 'post_');
  const header = create(ascii, { type: inline ? 'inline' : 'attachment' });
  return `${header}; filename*=UTF-8''${encodedFileName(name)}`;
}

/** Value of X-Filename: percent-encoded UTF-8. */
export function encodedFileName(name: string): string {
  return encodeURIComponent(name);
}
