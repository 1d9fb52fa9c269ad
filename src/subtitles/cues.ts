import { asNumber, asObject, asString } from '../posts/raw.ts';

/** A text that is shown for a while. */
export interface Cue {
  /** Milliseconds. */
  start: number;
  end: number;
  /** Lines without markup and without empty ones. */
  text: string;
}

/** The cues of a file in one of TikTok's formats, by start; none where the file has no readable one. */
export function readCues(file: string, extension: string): Cue[] {
  const found = extension === 'json' ? creatorCues(file) : timedBlocks(file);
  return found
    .map((cue) => ({ ...cue, text: linesOf(cue.text) }))
    .filter(({ text, start, end }) => text !== '' && start >= 0 && end >= start)
    .sort((a, b) => a.start - b.start);
}

/** Captions by the creator, in the format of TikTok's editor. */
function creatorCues(file: string): Cue[] {
  let caption: unknown;
  try {
    caption = JSON.parse(file);
  } catch {
    return [];
  }
  const { utterances } = asObject(caption);
  return (Array.isArray(utterances) ? utterances.map(asObject) : []).map((utterance) => ({
    start: asNumber(utterance.start_time) ?? Number.NaN,
    end: asNumber(utterance.end_time) ?? Number.NaN,
    text: asString(utterance.text),
  }));
}

const TIME = String.raw`(?:(\d+):)?(\d\d):(\d\d)[.,](\d{3})`;
const TIMES = new RegExp(String.raw`^[ \t]*${TIME}[ \t]*-->[ \t]*${TIME}`);

/** WebVTT and SubRip: a line of times and the lines up to an empty one; everything else is left out. */
function timedBlocks(file: string): Cue[] {
  const cues: Cue[] = [];
  let open: Cue | null = null;
  for (const line of file.split(/\r\n|\r|\n/)) {
    const times = TIMES.exec(line);
    if (times) {
      open = { start: milliseconds(times.slice(1, 5)), end: milliseconds(times.slice(5, 9)), text: '' };
      cues.push(open);
    } else if (line.trim() === '' || line.includes('-->')) open = null;
    else if (open) open.text += `${plain(line)}\n`;
  }
  return cues;
}

function milliseconds([hours = '0', minutes, seconds, thousandths]: (string | undefined)[]): number {
  return ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000 + Number(thousandths);
}

/** Tags of WebVTT and SubRip, and times inside of cues; any other `<` is text. */
const TAG = /<\/?(?:c|i|b|u|v|lang|ruby|rt|font)(?:[. \t][^<>]*)?>|<[\d:.]+>/gi;
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', nbsp: '\u00A0' };

function plain(line: string): string {
  return line.replace(TAG, '').replace(/&(amp|lt|gt|nbsp|lrm|rlm);/g, (_, name) => ENTITIES[name] ?? '');
}

/** An empty line would end the cue. */
function linesOf(text: string): string {
  return text
    .split(/[\r\n\u2028\u2029]/)
    .map((line) => line.trim())
    .filter(Boolean)
    .join('\n');
}
