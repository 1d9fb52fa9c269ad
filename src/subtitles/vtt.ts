/** One line of speech. */
interface Cue {
  /** Milliseconds. */
  start: number;
  end: number;
  text: string;
}

/** What creators write themselves comes as JSON, as TikTok's editor keeps it. */
interface CreatorCaption {
  utterances?: { start_time?: unknown; end_time?: unknown; text?: unknown }[];
}

/** WebVTT out of any form in which TikTok keeps subtitles; null where there is nothing to be read in it. */
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
  return (Array.isArray(caption.utterances) ? caption.utterances : []).flatMap((one) => {
    const cue = {
      start: Number(one.start_time),
      end: Number(one.end_time),
      text: String(one.text ?? '').trim(),
    };
    return cue.text !== '' && cue.start >= 0 && cue.end >= cue.start ? [cue] : [];
  });
}

function writeCue({ start, end, text }: Cue): string {
  // A cue ends at an empty line, and an arrow in it would be taken for times.
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
