import { asNumber, asObject, asString } from '../posts/raw.ts';

/** One line of speech. */
interface Cue {
  /** Milliseconds. */
  start: number;
  end: number;
  text: string;
}

/** Converts subtitles of TikTok's formats to WebVTT; null where they have no readable cue. */
export function toVtt(text: string, extension: string): string | null {
  if (extension === 'vtt') return text;
  if (extension === 'srt')
    return `WEBVTT\n\n${text.replace(/\r/g, '').replace(/(\d\d:\d\d:\d\d),(\d{3})/g, '$1.$2')}`;
  const cues = readCues(text);
  if (cues.length === 0) return null;
  return `WEBVTT\n\n${cues.map(writeCue).join('\n\n')}\n`;
}

/** The cues of a caption by the creator, in the format of TikTok's editor. */
function readCues(text: string): Cue[] {
  let caption: unknown;
  try {
    caption = JSON.parse(text);
  } catch {
    return [];
  }
  const { utterances } = asObject(caption);
  return (Array.isArray(utterances) ? utterances.map(asObject) : []).flatMap((utterance) => {
    const start = asNumber(utterance.start_time);
    const end = asNumber(utterance.end_time);
    const text = asString(utterance.text).trim();
    if (start === null || end === null || start < 0 || end < start || text === '') return [];
    return [{ start, end, text }];
  });
}

function writeCue({ start, end, text }: Cue): string {
  // An empty line ends a cue, and an arrow is read as times.
  const lines = text
    .replace(/\r/g, '')
    .replace(/\n{2,}/g, '\n')
    .replaceAll('-->', '→');
  return `${time(start)} --> ${time(end)}\n${lines}`;
}

/** `hh:mm:ss.mmm` */
function time(ms: number): string {
  return new Date(Math.min(ms, 86_399_999)).toISOString().slice(11, 23);
}
