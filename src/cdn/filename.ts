import { create } from 'content-disposition';

/** File systems take 255 bytes; the rest is room for what browsers append (` (1)`, `.crdownload`). */
const MAX_USER_LENGTH = 64;
const MAX_ID_LENGTH = 32;

export interface FileNameParts {
  /** The author's @name, or whatever the post has in its place. */
  user: string;
  /** The post's id. */
  id: string;
  /** Position of a photo, from 1. */
  index?: number;
  /** Without a dot. */
  extension: string;
}

/**
 * `user_ID.ext`, or `user_ID_01.jpg` for one of several: letters, digits and `._-` of ASCII only, so that no file
 * system, shell, archive or header minds. An @name can be in any script on Douyin; what ASCII lacks is left out,
 * and the id still tells the files apart. The id also keeps Windows' device names (`CON`, `NUL.mp4`) away.
 */
export function mediaFileName({ user, id, index, extension }: FileNameParts): string {
  const name =
    asciiOnly(user)
      .slice(0, MAX_USER_LENGTH)
      .replace(/[.-]+$/, '') || 'post';
  const number =
    asciiOnly(id)
      .slice(0, MAX_ID_LENGTH)
      .replace(/[.-]+$/, '') || '0';
  const position = index === undefined ? '' : `_${String(index).padStart(2, '0')}`;
  const ending =
    extension
      .toLowerCase()
      .replace(/[^a-z0-9]/g, '')
      .slice(0, 8) || 'bin';
  return `${name}_${number}${position}.${ending}`;
}

/** Marks are split off letters first (é → e); no leading dot (hidden file) or hyphen (an option to a shell). */
function asciiOnly(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9._-]/g, '')
    .replace(/\.{2,}/g, '.')
    .replace(/^[.-]+/, '');
}

/** RFC 6266 form of a name from `mediaFileName`. */
export function contentDisposition(name: string, inline: boolean): string {
  return create(name, { type: inline ? 'inline' : 'attachment' });
}

/** Value of X-Filename: percent-encoded, so that any client decodes it the same way. */
export function encodedFileName(name: string): string {
  return encodeURIComponent(name);
}
