import type { Cue } from './cues.ts';

export const SUBTITLE_FORMATS = ['vtt', 'srt', 'txt'] as const;

export type SubtitleFormat = (typeof SUBTITLE_FORMATS)[number];

interface Writer {
  mime: string;
  write: (cues: readonly Cue[]) => string;
}

export const WRITERS: Readonly<Record<SubtitleFormat, Writer>> = {
  vtt: {
    mime: 'text/vtt; charset=utf-8',
    write: (cues) => `WEBVTT\n\n${cues.filter(isShown).map(vttCue).join('\n')}`,
  },
  srt: {
    mime: 'application/x-subrip; charset=utf-8',
    write: (cues) => cues.filter(isShown).map(srtCue).join('\n'),
  },
  txt: {
    mime: 'text/plain; charset=utf-8',
    write: (cues) => cues.map(({ text }) => `${text.replaceAll('\n', ' ')}\n`).join(''),
  },
};

/** Some players show a cue without duration until the next one. */
function isShown({ start, end }: Cue): boolean {
  return end > start;
}

function vttCue({ start, end, text }: Cue): string {
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return `${time(start)} --> ${time(end)}\n${escaped}\n`;
}

/** SubRip has no escapes, so an arrow in the text would be read as times. */
function srtCue({ start, end, text }: Cue, index: number): string {
  const times = `${time(start)} --> ${time(end)}`.replaceAll('.', ',');
  return `${index + 1}\n${times}\n${text.replaceAll('-->', '→')}\n`;
}

const LAST_MS = 24 * 3_600_000 - 1;

/** `hh:mm:ss.mmm` */
function time(ms: number): string {
  return new Date(Math.min(ms, LAST_MS)).toISOString().slice(11, 23);
}
