import { setTimeout as sleep } from 'node:timers/promises';
import type { ErrorCode } from '../../errors.ts';
import { postFromPage } from '../../posts/from-page.ts';
import { withYtdlpRenditions, type YtdlpFormat } from '../../posts/from-ytdlp.ts';
import type { Post, PostRef, SourceName } from '../../posts/post.ts';
import { asObject } from '../../posts/raw.ts';
import { canonicalUrl } from '../../posts/url.ts';
import type { Job, Reply } from '../protocol.ts';
import { readDetail, readHit, readShare } from './douyin.ts';
import type { Attempt, Meaning, SourceId } from './meaning.ts';
import type { Pacer } from './pacer.ts';
import { isPlayable, readEmbed, readOembed, readPage, readPlayer, type SourceReply } from './tiktok.ts';

/** What the main thread knows of an egress, as far as one job needs it; made by SourcePlanner. */
export interface Plan {
  /** In this order; skipped sources are left out. */
  sources: readonly SourceId[];
  /** Browsers to impersonate for the page, the one that passed last first. Empty where there is no choice. */
  targets: readonly string[];
  /** For the phone's page. */
  mobileTarget: string | null;
  /** Douyin's visitor id; null where none is registered yet. */
  ttwid: string | null;
  /** The ttwid was registered for this very job: another one would do no better. */
  ttwidIsFresh: boolean;
  /** A source that is left out could not be read lately: a weak refusal by the others then means the same. */
  isUnreadable: boolean;
  /** Sources whose breaker is half-open: this job is their probe. */
  probes: readonly SourceId[];
  /** Index of the egress's slots in the Pacer. */
  slot: number;
}

export interface ChainContext {
  ref: PostRef;
  /** The link says that the post has photos: oEmbed does not know such posts. */
  isPhoto: boolean;
  egress: string;
  plan: Plan;
  pacer: Pacer;
  /** performance.now() at which all must have ended. */
  deadline: number;
  /** Milliseconds that the whole chain has. */
  timeoutMs: number;
  send(job: Omit<Job, 'id' | 'timeout' | 'proxy'>, timeoutMs: number): Promise<Reply>;
}

export type ChainResult =
  | { ok: true; post: Post }
  | { ok: false; code: ErrorCode; detail: string }
  /** The main thread has to register a ttwid, or a new one, before the rest of the chain makes sense. */
  | { ok: false; needs: 'ttwid'; rest: readonly SourceId[] };

/** Further tries of one page, each with another browser. */
const MAX_OTHER_TARGETS = 2;
/** Milliseconds between such tries at one egress, over all workers. */
const ROTATION_INTERVAL_MS = 1000;
/** Milliseconds between share pages at one egress: faster ones get the address refused. */
const SHARE_INTERVAL_MS = 500;
const SLOTS_FOR_EACH_EGRESS = 2;

/** Shares of the deadline: one source that is silent must leave time for the next. */
const PAGE_SHARE = 0.5;
const OTHER_SHARE = 0.3;
/** Less time than this is not worth a request. */
const LEAST_MS = 300;

export function pacerSlots(egresses: number): number {
  return egresses * SLOTS_FOR_EACH_EGRESS;
}

/** Gets a post from the first source that has it, and records what the others replied. */
export class SourceChain {
  readonly attempts: Attempt[] = [];
  readonly #context: ChainContext;

  constructor(context: ChainContext) {
    this.#context = context;
  }

  run(): Promise<ChainResult> {
    return this.#context.ref.platform === 'douyin' ? this.#douyin() : this.#tiktok();
  }

  async #tiktok(): Promise<ChainResult> {
    const { sources, isUnreadable } = this.#context.plan;
    const failures: Meaning[] = [];
    for (const source of sources) {
      if (!this.#hasTime()) break;
      const meaning = source === 'page' ? await this.#page() : await this.#ask(source);
      const isPage = source === 'page' || source === 'mobile';
      if (meaning.kind === 'post' && isPlayable(meaning.post)) return { ok: true, post: meaning.post };
      if (meaning.kind === 'verdict') return failed(meaning);
      if (meaning.kind === 'refused' && meaning.reason === 'country not served') return failed(meaning);
      if (meaning.kind === 'absent')
        return isPage ? this.#otherwise(meaning) : this.#witness(meaning, failures);
      if (meaning.kind === 'withheld' || meaning.kind === 'post') return this.#otherwise(meaning);
      failures.push(meaning);
    }
    const said = worst(failures);
    return failed(isUnreadable && isWeak(said) ? { kind: 'unreadable', detail: 'as the page lately' } : said);
  }

  /** The page said something that the player may know better: one try there, else what the page said. */
  async #otherwise(said: Meaning): Promise<ChainResult> {
    const isAsked = this.attempts.some(({ source }) => source === 'player');
    if (!isAsked && this.#context.plan.sources.includes('player') && this.#hasTime()) {
      const meaning = await this.#ask('player');
      if (meaning.kind === 'post') return { ok: true, post: meaning.post };
    }
    return said.kind === 'post' ? { ok: true, post: said.post } : failed(said);
  }

  /** A source without reasons does not know the post: oEmbed tells a deleted video from a withheld one. */
  async #witness(absent: Meaning, failures: readonly Meaning[]): Promise<ChainResult> {
    const unknown = failed(
      failures.length > 0 ? worst(failures) : { kind: 'refused', reason: 'page without data' },
    );
    if (this.#context.isPhoto || !this.#hasTime()) return unknown;
    const started = performance.now();
    const { ref } = this.#context;
    const url = canonicalUrl(ref);
    const reply = await this.#send('oembed', { op: 'oembed', platform: 'tiktok', post: ref.id, url });
    const exists =
      reply.ok && reply.answer ? readOembed({ data: reply.data, answer: reply.answer }, ref.id) : null;
    const outcome: Meaning =
      exists === null
        ? { kind: 'refused', reason: 'page without data' }
        : exists
          ? { kind: 'withheld', code: 'region_blocked', detail: 'known to oEmbed, kept from this egress' }
          : { kind: 'absent', detail: 'unknown to oEmbed' };
    this.#note('oembed', outcome, started);
    if (exists === null) return unknown;
    return failed(exists ? outcome : absent);
  }

  /** The page, on a refusal with another browser. */
  async #page(): Promise<Meaning> {
    const { plan, pacer } = this.#context;
    const [first, ...others] = plan.targets;
    let meaning = await this.#ask('page', first);
    for (const target of others.slice(0, MAX_OTHER_TARGETS)) {
      if (!isWorthAnotherTarget(meaning) || !this.#hasTime()) break;
      // An unreachable server gets another try, without waiting.
      const patience =
        meaning.kind === 'refused' ? Math.min(ROTATION_INTERVAL_MS, this.#left() - LEAST_MS) : 0;
      const wait = pacer.reserve(plan.slot * SLOTS_FOR_EACH_EGRESS, ROTATION_INTERVAL_MS, patience);
      if (wait === null) break;
      await sleep(wait);
      meaning = await this.#ask('page', target);
    }
    return meaning;
  }

  async #douyin(): Promise<ChainResult> {
    const { plan, pacer } = this.#context;
    const failures: Meaning[] = [];
    for (const [index, source] of plan.sources.entries()) {
      if (!this.#hasTime()) break;
      const needsTtwid = source === 'douyin-web' || source === 'douyin-share';
      if (needsTtwid && plan.ttwid === null)
        return { ok: false, needs: 'ttwid', rest: plan.sources.slice(index) };
      if (source === 'douyin-share') {
        const slot = plan.slot * SLOTS_FOR_EACH_EGRESS + 1;
        const wait = pacer.reserve(slot, SHARE_INTERVAL_MS, this.#left() - LEAST_MS);
        if (wait === null) continue;
        await sleep(wait);
      }
      const meaning = await this.#ask(source);
      if (meaning.kind === 'post') return { ok: true, post: meaning.post };
      if (meaning.kind === 'verdict') return failed(meaning);
      // A ttwid that is no longer accepted shows as an empty response or a page without data.
      if (needsTtwid && !plan.ttwidIsFresh && isShell(meaning))
        return { ok: false, needs: 'ttwid', rest: plan.sources.slice(index) };
      failures.push(meaning);
    }
    return failed(failures.length > 0 ? worst(failures) : { kind: 'refused', reason: 'empty response' });
  }

  async #ask(source: SourceId, target?: string): Promise<Meaning> {
    const started = performance.now();
    const job = this.#job(source, target);
    const reply = await this.#send(source, job);
    const meaning = reply.ok ? await this.#read(source, reply, job) : failureOf(reply.error);
    this.#note(source, meaning, started, target);
    return meaning;
  }

  #job(source: SourceId, target: string | undefined): Omit<Job, 'id' | 'timeout' | 'proxy'> {
    const { ref, plan } = this.#context;
    const browser = target ?? plan.targets[0];
    const base = {
      platform: ref.platform,
      post: ref.id,
      url: canonicalUrl(ref),
      ...(browser !== undefined && { target: browser }),
    };
    const ttwid = plan.ttwid === null ? {} : { ttwid: plan.ttwid };
    switch (source) {
      case 'mobile':
        return { ...base, op: 'mobile', ...(plan.mobileTarget !== null && { target: plan.mobileTarget }) };
      case 'douyin-cookies':
        return { ...base, op: 'douyin-detail', way: 'cookies' };
      case 'douyin-detail':
        return { ...base, op: 'douyin-detail', way: 'origin' };
      case 'douyin-web':
        return { ...base, op: 'douyin-detail', way: 'ttwid', ...ttwid };
      case 'douyin-share':
        return { ...base, op: 'douyin-share', ...ttwid };
      default:
        return { ...base, op: source };
    }
  }

  async #read(
    source: SourceId,
    reply: Extract<Reply, { ok: true }>,
    job: Omit<Job, 'id' | 'timeout' | 'proxy'>,
  ): Promise<Meaning> {
    if (!reply.answer) return { kind: 'unreadable', detail: 'a reply without a response' };
    const { ref, egress } = this.#context;
    const context = { ref, egress, source: sourceName(source), cookies: reply.cookies ?? {} };
    const meaning = READERS[source]({ data: reply.data, answer: reply.answer }, context);
    if (source !== 'page' || meaning.kind !== 'unreadable') return meaning;
    // A new yt-dlp may read a new shape before we do.
    const item = asObject(asObject(reply.data).itemInfo).itemStruct;
    if (!item || !this.#hasTime()) return meaning;
    const parsed = await this.#send(source, { ...job, op: 'parse', item });
    if (!parsed.ok) return meaning;
    const formats = parsed.data as YtdlpFormat[];
    const post = withYtdlpRenditions(postFromPage(asObject(item), context), { formats }, context);
    return isPlayable(post) ? { kind: 'post', post } : meaning;
  }

  #send(source: SourceId, job: Omit<Job, 'id' | 'timeout' | 'proxy'>): Promise<Reply> {
    const share = source === 'page' || source === 'douyin-cookies' ? PAGE_SHARE : OTHER_SHARE;
    const limit = Math.min(this.#left(), this.#context.timeoutMs * share);
    return this.#context.send(job, Math.max(limit, LEAST_MS));
  }

  #note(source: SourceId, meaning: Meaning, started: number, target?: string): void {
    const ms = Math.round(performance.now() - started);
    this.attempts.push({
      source,
      ...(target !== undefined && { target }),
      outcome: meaning.kind,
      reason: reasonOf(meaning),
      ms,
    });
  }

  #left(): number {
    return this.#context.deadline - performance.now();
  }

  #hasTime(): boolean {
    return this.#left() >= LEAST_MS;
  }
}

type Reader = (reply: SourceReply, context: Parameters<typeof readPage>[1]) => Meaning;

const READERS: Readonly<Record<SourceId, Reader>> = {
  page: readPage,
  mobile: readPage,
  player: readPlayer,
  embed: readEmbed,
  oembed: () => ({ kind: 'absent', detail: 'a witness has no post' }),
  'douyin-cookies': readDetail,
  'douyin-detail': readDetail,
  'douyin-web': readDetail,
  'douyin-slides': readHit,
  'douyin-share': readShare,
  'douyin-feed': readHit,
};

/** The contract's name for where a post came from. */
function sourceName(source: SourceId): SourceName {
  switch (source) {
    case 'douyin-cookies':
    case 'douyin-detail':
    case 'douyin-web':
      return 'detail';
    case 'douyin-slides':
      return 'slides';
    case 'douyin-share':
      return 'share';
    case 'douyin-feed':
      return 'feed';
    case 'oembed':
      return 'embed';
    default:
      return source;
  }
}

function isWorthAnotherTarget(meaning: Meaning): boolean {
  if (meaning.kind === 'refused') return meaning.reason !== 'country not served';
  return meaning.kind === 'failed' && meaning.code !== 'timeout';
}

/** A refusal that may as well be a shape that nobody knows. */
function isWeak(meaning: Meaning): boolean {
  return meaning.kind === 'refused' && meaning.reason === 'page without data';
}

function isShell(meaning: Meaning): boolean {
  return (
    meaning.kind === 'refused' &&
    (meaning.reason === 'empty response' || meaning.reason === 'page without data')
  );
}

function failureOf({ kind, message }: { kind: string; message: string }): Meaning {
  if (kind === 'timeout') return { kind: 'failed', code: 'timeout', detail: message };
  if (kind === 'too-large') return { kind: 'refused', reason: 'page without data' };
  if (kind === 'internal') return { kind: 'unreadable', detail: message };
  return { kind: 'failed', code: 'upstream_failed', detail: message };
}

/**
 * What all failures together say: not there, else a refusal, else a response that could not be read. A page without
 * data is the least certain refusal: it comes before failures only.
 */
function worst(failures: readonly Meaning[]): Meaning {
  const told =
    failures.find(({ kind }) => kind === 'absent') ??
    failures.find((one) => one.kind === 'refused' && !isWeak(one)) ??
    failures.find(({ kind }) => kind === 'unreadable') ??
    failures.find(({ kind }) => kind === 'refused');
  return told ?? failures[0] ?? { kind: 'failed', code: 'timeout', detail: 'no time for any source' };
}

function failed(meaning: Meaning): ChainResult {
  return { ok: false, code: codeOf(meaning), detail: reasonOf(meaning) };
}

function codeOf(meaning: Meaning): ErrorCode {
  switch (meaning.kind) {
    case 'verdict':
    case 'withheld':
    case 'failed':
      return meaning.code;
    case 'absent':
      return 'post_not_found';
    case 'refused':
      return meaning.reason === 'login page' ? 'login_required' : 'ip_blocked';
    case 'unreadable':
      return 'extractor_outdated';
    case 'post':
      return 'internal';
  }
}

function reasonOf(meaning: Meaning): string {
  if (meaning.kind === 'post') return '';
  return meaning.kind === 'refused' ? meaning.reason : meaning.detail;
}
