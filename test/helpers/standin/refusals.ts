import { type Browser, browserOf } from './browser.ts';
import { type Source, TIKTOK_SOURCES } from './sources.ts';

/** The refusals of the public record; `refusal-answers.ts` says what each looks like and who saw it. */
export const REFUSAL_KINDS = [
  'maintenance',
  'challenge-again',
  'shell',
  'page-without-post',
  'captcha',
  '403',
  '429',
  '444',
  '503',
  'login-redirect',
  'login-redirect-with-post',
  'country-hk',
  'country-in',
  '10101',
  '100004',
  'api_busy',
  'empty-200',
  'error-page',
  'argus',
  'js-challenge',
  'timeout',
  'reset',
] as const;
export type RefusalKind = (typeof REFUSAL_KINDS)[number];

/** Which requests a refusal is for; everything given must fit. */
export interface RefusalMatch {
  /** One source or several; TikTok's sources and its short links by default. */
  source?: Source | readonly Source[];
  /** Index of the proxy port, or the user of the proxy's credentials. */
  egress?: number | string;
  post?: string | { id: string };
  userAgent?: RegExp;
  /** Versions of a browser family, both ends included. */
  browser?: { family: Browser['family']; from: number; to: number };
}

export interface RefusalRule extends RefusalMatch {
  kind: RefusalKind;
  /** How many more requests it refuses. */
  left: number;
  /** How many requests it has refused. */
  hits: number;
  remove(): void;
}

/** What is known of a request when a refusal is chosen. */
export interface RefusalSubject {
  source: Source;
  postId: string | null;
  identity: string | null;
  proxy: number;
  headers: Record<string, string>;
}

function fits(match: RefusalMatch, subject: RefusalSubject): boolean {
  const { source = [...TIKTOK_SOURCES, 'short'], egress, post, userAgent, browser } = match;
  const id = typeof post === 'object' ? post.id : post;
  if (![source].flat().includes(subject.source)) return false;
  if (egress !== undefined && egress !== subject.proxy && egress !== subject.identity) return false;
  if (id !== undefined && id !== subject.postId) return false;
  if (userAgent !== undefined && !userAgent.test(subject.headers['user-agent'] ?? '')) return false;
  if (browser === undefined) return true;
  const { family, version } = browserOf(subject.headers);
  return family === browser.family && version >= browser.from && version <= browser.to;
}

/** The refusals in force. The first rule that fits and is not used up wins. */
export class Refusals {
  #rules: RefusalRule[] = [];

  /** Refuses from now on: always, or `times` times. */
  add(options: RefusalMatch & { kind: RefusalKind; times?: number }): RefusalRule {
    const { times = Number.POSITIVE_INFINITY, ...match } = options;
    const rule: RefusalRule = {
      ...match,
      left: times,
      hits: 0,
      remove: () => {
        this.#rules = this.#rules.filter((other) => other !== rule);
      },
    };
    this.#rules.push(rule);
    return rule;
  }

  clear(): void {
    this.#rules = [];
  }

  /** The refusal for this request, counted as used. */
  take(subject: RefusalSubject): RefusalKind | null {
    const rule = this.#rules.find((one) => one.left > 0 && fits(one, subject));
    if (rule === undefined) return null;
    rule.left -= 1;
    rule.hits += 1;
    return rule.kind;
  }
}
