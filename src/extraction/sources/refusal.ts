import type { ResponseFacts } from '../protocol.ts';
import type { Refusal } from './meaning.ts';

/** Statuses by which TikTok, Douyin and their edges turn an address away. 444: Douyin's, no content. */
const STATUSES: ReadonlySet<number> = new Set([401, 403, 407, 429, 444, 503]);

/** Words in the body of a response, most telling first. */
const WORDS: readonly (readonly [string, Refusal])[] = [
  ['Site Maintenance', 'maintenance page'],
  ['Security Check', 'captcha'],
  ['验证码中间页', 'captcha'],
  ['byted_acrawler.sign', 'captcha'],
  ['ArgusSecurityPlugin', 'Argus'],
  ['overload-protect', 'overload protection'],
  ['ratelimit triggered', 'rate limit'],
];

/** Paths to which TikTok sends clients of countries that it does not serve: Hong Kong, India. */
const COUNTRY = /^\/(?:hk\/notfound|in\/about)/;

/**
 * Why a response is a refusal of the egress; null where nothing says so. Read in the order final address, status,
 * headers, length, words: a refusal page of HTTP 200 must never be taken for a statement about the post.
 */
export function refusalOf(facts: ResponseFacts): Refusal | null {
  const path = pathOf(facts.location || facts.url);
  if (COUNTRY.test(path)) return 'country not served';
  if (/^\/login(?:\/|$)/.test(path)) return 'login page';
  if (path === '/' && facts.status < 400) return 'home page';
  const word = WORDS.find(([text]) => facts.words.includes(text))?.[1];
  if (STATUSES.has(facts.status)) return word ?? `HTTP ${facts.status}`;
  if (facts.headers['x-tt-system-error'] !== undefined) return word ?? 'blocked header';
  if (facts.length === 0 && facts.status < 300) return 'empty response';
  return word ?? null;
}

function pathOf(url: string): string {
  return URL.canParse(url) ? new URL(url).pathname : '';
}
