import type { FileNameField, FileNameTemplate } from '../config-values.ts';
import { createdAtOf } from '../posts/created-at.ts';

/** What a file name may say of a post. All texts are untrusted. */
export interface NamedPost {
  /** The author's @name. */
  user: string;
  id: string;
  title: string;
  /** Unix seconds; null where only the id tells it. */
  createdAt: number | null;
}

export interface FileNameParts extends NamedPost {
  /** Position of a photo, from 1. */
  index?: number;
  /** Without a dot. */
  extension: string;
}

/** File systems take 255 bytes; browsers append to a name (` (1)`, `.crdownload`). */
const MAX_BYTES = 240;
const MAX_USER_BYTES = 120;
const MAX_ID_LENGTH = 32;

/** Names of files by the operator's template. */
export class FileNames {
  readonly #template: FileNameTemplate;
  readonly #fields: ReadonlySet<FileNameField>;

  constructor(template: FileNameTemplate) {
    this.#template = template;
    this.#fields = new Set(template.flatMap((part) => (typeof part === 'string' ? [] : part.field)));
  }

  /** Whether names need more of a post than its reference. */
  get needPost(): boolean {
    return this.#fields.has('title') || this.#fields.has('date');
  }

  /**
   * The name of a file, such as `user_ID.mp4` or `user_ID_01.jpg`, that Windows, Android, iOS and Unix take: at most
   * MAX_BYTES of UTF-8. A title takes the room that the rest leaves, cut between graphemes.
   */
  nameOf({ index, extension, ...post }: FileNameParts): string {
    const position = index === undefined ? '' : String(index).padStart(2, '0');
    const appended = position === '' || this.#fields.has('index') ? '' : `_${position}`;
    const ending = `${appended}.${endingOf(extension)}`;
    const values = { ...valuesOf(post), index: position };
    const rest = this.#template.map((part) => {
      if (typeof part === 'string') return part;
      return part.field === 'title' ? '' : values[part.field];
    });
    const title = cut(values.title, MAX_BYTES - Buffer.byteLength(rest.join('') + ending));
    return (safeBase(this.#fill({ ...values, title })) || safeBase(`post_${values.id}`)) + ending;
  }

  /** Leaves out the text before an empty field, and that behind it where nothing comes before. */
  #fill(values: Readonly<Record<FileNameField, string>>): string {
    let name = '';
    let text = '';
    let isAfterEmpty = false;
    for (const part of this.#template) {
      if (typeof part === 'string') {
        text = part;
        continue;
      }
      const value = values[part.field];
      if (value !== '') name += name === '' && isAfterEmpty ? value : text + value;
      isAfterEmpty ||= value === '';
      text = '';
    }
    return name + text;
  }
}

function valuesOf({
  user,
  id,
  title,
  createdAt,
}: NamedPost): Record<'user' | 'id' | 'title' | 'date', string> {
  const seconds = createdAt ?? createdAtOf(id);
  return {
    user: cut(strict(user), MAX_USER_BYTES) || 'post',
    id: strict(id.replace(/[^A-Za-z0-9._-]/g, '')).slice(0, MAX_ID_LENGTH) || '0',
    title: printable(title),
    date: seconds === null ? '' : new Date(seconds * 1000).toISOString().slice(0, 10),
  };
}

function endingOf(extension: string): string {
  const letters = extension.toLowerCase().replace(/[^a-z0-9]/g, '');
  return letters.slice(0, 8) || 'bin';
}

/** Letters and digits of any script (Douyin's names) and `._-`. */
function strict(text: string): string {
  return text
    .normalize('NFC')
    .replace(/[^\p{L}\p{N}\p{M}._-]|\p{Default_Ignorable_Code_Point}/gu, '')
    .replace(/\.{2,}/g, '.')
    .replace(/^[.\p{M}-]+/u, '');
}

/** What Windows or a path forbids, control characters, and white space of any kind. */
const FORBIDDEN = /[<>:"/\\|?*\p{Cc}\p{Z}]+/gu;
/** A joiner inside of an emoji, the mark of a coloured one, and a joiner between letters of scripts that need it. */
const SHAPING = [
  String.raw`(?<=\p{Extended_Pictographic}|\p{Emoji_Modifier}|\u{FE0F})\u{200D}(?=\p{Extended_Pictographic})`,
  String.raw`(?<=\p{Emoji})\u{FE0F}`,
  String.raw`(?<=\p{L}|\p{M})[\u{200C}\u{200D}](?=\p{L})`,
].join('|');
/** Other invisible characters, direction marks among them. */
const INVISIBLE = new RegExp(String.raw`(?!${SHAPING})[\p{C}\p{Default_Ignorable_Code_Point}]`, 'gu');

function printable(text: string): string {
  return text
    .normalize('NFC')
    .replace(FORBIDDEN, ' ')
    .replace(INVISIBLE, '')
    .replace(/ {2,}/g, ' ')
    .replace(/\.{2,}/g, '.')
    .trim();
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

function cut(text: string, bytes: number): string {
  let end = 0;
  let used = 0;
  for (const { segment, index } of graphemes.segment(text)) {
    used += Buffer.byteLength(segment);
    if (used > bytes) break;
    end = index + segment.length;
  }
  return text.slice(0, end);
}

/** Names of devices on Windows, whatever follows the first dot. */
const DEVICE = /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[\d¹²³])(?=$|[. ])/i;

/**
 * Removes a leading dot (hidden file), hyphen (a command's option), white space or combining mark, and dots and white
 * space at the end, which Windows drops.
 */
function safeBase(base: string): string {
  return base
    .replace(/^[.\s\p{M}-]+|[.\s]+$/gu, '')
    .replace(/\.{2,}/g, '.')
    .replace(DEVICE, '_$&');
}

/** The name in ASCII: é becomes e, other characters are left out. */
export function asciiName(name: string): string {
  const dot = name.lastIndexOf('.');
  const letters = name
    .slice(0, dot)
    .normalize('NFKD')
    .replace(/[^\x20-\x7E]/g, '')
    // A percent sign with two digits would be read as an escape.
    .replace(/%/g, ' ');
  const base = safeBase(printable(letters)).replace(/ _/g, '_');
  return (/^_|^$/.test(base) ? `post${base}` : base) + name.slice(dot);
}
