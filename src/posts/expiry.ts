import { queryParam } from './query-param.ts';

/** Unix seconds of the years 2001 and 2096; numbers outside are no times. */
const EARLIEST = 1_000_000_000;
const LATEST = 4_000_000_000;

const SIGNED_PATH = /^https?:\/\/[^/?#]+\/[0-9a-f]{32}\/([0-9a-f]{8})\//;

/**
 * When a media link of TikTok or Douyin expires, in Unix milliseconds; null where it does not say. Links are signed in
 * the query (`expire`, `x-expires`) or in the path (`/<md5>/<hexadecimal Unix time>/video/…`).
 */
export function linkExpiry(link: string): number | null {
  const query = queryParam(link, 'x-expires') ?? queryParam(link, 'expire');
  const path = SIGNED_PATH.exec(link)?.[1];
  const seconds =
    query !== null ? Number(query) : path === undefined ? Number.NaN : Number.parseInt(path, 16);
  return seconds >= EARLIEST && seconds <= LATEST ? seconds * 1000 : null;
}
