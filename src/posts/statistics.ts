import type { Statistics } from './post.ts';
import { asCount, asNumber } from './raw.ts';

/** Counts as a raw item has them, and the names of those that it does not have. */
export function readStatistics(raw: { readonly [K in keyof Statistics]?: unknown }) {
  const statistics: Statistics = {
    play: asCount(raw.play),
    digg: asCount(raw.digg),
    comment: asCount(raw.comment),
    share: asCount(raw.share),
    collect: asCount(raw.collect),
  };
  const unknown = unknownFields({
    'statistics.play_count': asNumber(raw.play),
    'statistics.digg_count': asNumber(raw.digg),
    'statistics.comment_count': asNumber(raw.comment),
    'statistics.share_count': asNumber(raw.share),
    'statistics.collect_count': asNumber(raw.collect),
  });
  return { statistics, unknown };
}

/** The names of the fields that a raw item does not have. */
export function unknownFields(fields: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(fields).filter((name) => fields[name] === undefined || fields[name] === null);
}
