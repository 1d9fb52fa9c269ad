import type { Statistics } from './post.ts';
import { asCount, asNumber } from './raw.ts';

const FIELDS = {
  play: 'statistics.play_count',
  digg: 'statistics.digg_count',
  comment: 'statistics.comment_count',
  share: 'statistics.share_count',
  collect: 'statistics.collect_count',
} as const satisfies Record<keyof Statistics, string>;

const NAMES = Object.keys(FIELDS) as (keyof Statistics)[];

/** Counts as a raw item has them, and the names of those that it does not have. */
export function readStatistics(raw: { readonly [K in keyof Statistics]?: unknown }) {
  const statistics = Object.fromEntries(
    NAMES.map((name) => [name, asCount(raw[name])]),
  ) as unknown as Statistics;
  return {
    statistics,
    unknown: NAMES.filter((name) => asNumber(raw[name]) === null).map((name) => FIELDS[name]),
  };
}

/** The names of the fields that a raw item does not have. */
export function unknownFields(fields: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(fields).filter((name) => fields[name] === undefined || fields[name] === null);
}
