import type { AssetPart } from './posts.ts';
import type { Source } from './sources.ts';

/** What goes wrong. Offsets count bytes of the body of the very answer, not of the file. */
export type Fault =
  /** Another status instead of the answer. */
  | { kind: 'status'; status: number; body?: string | Buffer[]; headers?: Record<string, string> }
  | { kind: 'redirect'; location: string; status?: number }
  /** 200 with an HTML page in place of what was asked. */
  | { kind: 'html'; body?: string }
  /** 200 with no byte. */
  | { kind: 'empty' }
  /** The connection ends after so many bytes. */
  | { kind: 'cut'; after: number }
  /** Nothing comes after so many bytes, and the connection stays open. */
  | { kind: 'stall'; after: number }
  /** `bytes` at a time with `everyMs` between. */
  | { kind: 'drip'; bytes: number; everyMs: number }
  /** Content-Length is wrong by so many bytes; the connection ends after the body. */
  | { kind: 'length'; delta: number }
  /** No Content-Length: chunked. */
  | { kind: 'chunked' }
  | { kind: 'delay'; ms: number }
  /** Nothing is ever answered. */
  | { kind: 'hang' }
  /** The connection is reset in place of an answer. */
  | { kind: 'reset' }
  /** CDN only: another file at the same address (other bytes, ETag and date). */
  | { kind: 'changed'; version?: number }
  /** CDN only: refused as if past its expiry. */
  | { kind: 'expired' }
  /** CDN only: the whole file with 200 although a range was asked. */
  | { kind: 'ignore-range' }
  /** CDN only: 206 for a range that begins so many bytes off. */
  | { kind: 'wrong-range'; shift: number }
  /** CDN only: another Content-Type. */
  | { kind: 'type'; type: string };

/** Which requests a fault is for; everything given must fit. */
export interface FaultMatch {
  post?: string | { id: string };
  /** `page`, `play` (the third mirror's redirect), `short`, or one of the post's files. */
  part?: AssetPart | 'page' | 'play' | 'short';
  /** Requests to one source or several. */
  source?: Source | readonly Source[];
  /** Number of the file among its kind, as in the post's own order. */
  index?: number;
  host?: string | RegExp;
  path?: string | RegExp;
  method?: string;
  identity?: string;
  /** Only requests with (true) or without (false) a Range header. */
  ranged?: boolean;
}

export interface FaultRule {
  match: FaultMatch;
  fault: Fault;
  /** Requests that pass unharmed first. */
  skip: number;
  /** How many more it will hit. */
  left: number;
  /** How many it has hit. */
  hits: number;
  remove(): void;
}

/** What is known of a request when faults are chosen. */
export interface FaultSubject {
  postId: string | null;
  part: string | null;
  source: Source | null;
  index: number | null;
  host: string;
  path: string;
  method: string;
  identity: string | null;
  ranged: boolean;
}

function fits(wanted: string | RegExp | undefined, value: string): boolean {
  if (wanted === undefined) return true;
  return typeof wanted === 'string' ? wanted === value : wanted.test(value);
}

function matches(match: FaultMatch, subject: FaultSubject): boolean {
  const id = typeof match.post === 'object' ? match.post.id : match.post;
  return (
    (id === undefined || id === subject.postId) &&
    (match.part === undefined || match.part === subject.part) &&
    (match.source === undefined || [match.source].flat().some((source) => source === subject.source)) &&
    (match.index === undefined || match.index === subject.index) &&
    (match.method === undefined || match.method === subject.method) &&
    (match.identity === undefined || match.identity === subject.identity) &&
    (match.ranged === undefined || match.ranged === subject.ranged) &&
    fits(match.host, subject.host) &&
    fits(match.path, subject.path)
  );
}

/** The faults in force. The first rule that fits and is not used up wins. */
export class Faults {
  #rules: FaultRule[] = [];

  /** Adds a fault: always, or `times` times, after letting `skip` requests pass. */
  add(match: FaultMatch, fault: Fault, options: { times?: number; skip?: number } = {}): FaultRule {
    const rule: FaultRule = {
      match,
      fault,
      skip: options.skip ?? 0,
      left: options.times ?? Number.POSITIVE_INFINITY,
      hits: 0,
      remove: () => {
        this.#rules = this.#rules.filter((other) => other !== rule);
      },
    };
    this.#rules.push(rule);
    return rule;
  }

  once(match: FaultMatch, fault: Fault): FaultRule {
    return this.add(match, fault, { times: 1 });
  }

  clear(): void {
    this.#rules = [];
  }

  /** The fault for this request, counted as used. */
  take(subject: FaultSubject): Fault | null {
    for (const rule of this.#rules) {
      if (rule.left <= 0 || !matches(rule.match, subject)) continue;
      if (rule.skip > 0) {
        rule.skip -= 1;
        continue;
      }
      rule.left -= 1;
      rule.hits += 1;
      return rule.fault;
    }
    return null;
  }
}
