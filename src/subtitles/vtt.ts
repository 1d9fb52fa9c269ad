/** One line of speech. */
interface Cue {
  /** Milliseconds. */
  start: number;
  end: number;
  text: string;
}

/** Captions by the creator, in the format of TikTok's editor. */
interface CreatorCaption {
  utterances?: { start_time?: unknown; end_time?: unknown; text?: unknown }[];
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

function readCues(text: string): Cue[] {
  let caption: CreatorCaption;
  try {
    caption = JSON.parse(text) as CreatorCaption;
  } catch {
    return [];
  }
  return (Array.isArray(caption.utterances) ? caption.utterances : []).flatMap((utterance) => {
    const cue = {
      start: Number(utterance.start_time),
      end: Number(utterance.end_time),
      text: String(utterance.text ?? '').trim(),
    };
    return cue.text !== '' && cue.start >= 0 && cue.end >= cue.start ? [cue] : [];
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
