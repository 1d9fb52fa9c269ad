import type { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { Dispatcher } from 'undici';
import { ServiceError } from '../errors.ts';
import type { Resolve } from './addresses.ts';
import { HealingBody } from './body.ts';
import { headersFor, judge, type MediaRequest, type Verdict } from './conditions.ts';
import { createDispatcher } from './egresses.ts';
import type { MediaFacts } from './facts.ts';
import { type Begun, type Opening, openRange, openResume, openStart } from './opening.ts';
import { type ByteRange, parseRange } from './range.ts';
import { isChange, type MediaSource, type Renew } from './source.ts';
import { LinkTrail, type Round } from './trail.ts';

/** An upstream silent for this long is left for the next link, well before the client's patience ends. */
const MAX_IDLE_MS = 20_000;

export interface MediaClientOptions {
  /** Egress id → address of its proxy; null goes out directly. The first serves posts of ids that are gone. */
  egresses: ReadonlyMap<string, string | null>;
  /** PEM certificates trusted beside the default ones. */
  extraCa?: readonly string[];
  /** Milliseconds without progress, in either direction, that end a stream (DOWNLOAD_TIMEOUT). */
  stallTimeoutMs: number;
  /** Replaces the system's name resolution of direct egresses. */
  resolve?: Resolve;
  /** Hears what the CDN answers: through which egress, for a file of which post, with which status. */
  onStatus?: (egress: string, post: string, status: number) => void;
}

export interface OpenOptions {
  /** The client is gone: everything ends, sockets included. */
  signal: AbortSignal;
  renew?: Renew;
}

/** What has been fetched so far, counted from the start. */
export interface RelayStats {
  /** Bytes of media that came, for visitors and for renders. */
  bytes: number;
  /** Bodies under way now, and all there ever were. */
  active: number;
  opened: number;
  /** Bodies that ended before they were whole, whoever broke them off. */
  broken: number;
  /** Times a body that broke went on from another answer. */
  resumes: number;
  /** Extractions asked for because no link of a file worked any more. */
  renewals: number;
}

/** Everything a route needs to answer. */
export interface MediaAnswer {
  status: Verdict['status'];
  /** Content-Type, -Length, -Range, Accept-Ranges, ETag, Last-Modified; lower-case names. */
  headers: Readonly<Record<string, string>>;
  mime: string;
  /** Without a dot. */
  extension: string;
  /** Bytes of the whole file. */
  size: number;
  /** Null where the answer has no body (HEAD, 304, 416). Must be read or destroyed. */
  body: Readable | null;
}

/** Fetches media from the CDN so that whoever reads it sees one whole, true file, or an honest error. */
export class MediaClient {
  readonly #dispatchers: ReadonlyMap<string, Dispatcher>;
  readonly #options: MediaClientOptions;
  readonly #idleMs: number;
  readonly #stats: RelayStats = { bytes: 0, active: 0, opened: 0, broken: 0, resumes: 0, renewals: 0 };
  /**
   * Facts of files seen lately, by the source's id, so that each seek of a player costs one upstream request
   * instead of two. Only for ranges; whatever promises the existence of a file asks the CDN.
   */
  readonly #seen = new LRUCache<string, MediaFacts>({ max: 5000, ttl: 10 * 60_000 });

  constructor(options: MediaClientOptions) {
    const { egresses, extraCa = [], resolve } = options;
    if (egresses.size === 0) throw new RangeError('MediaClient needs an egress');
    this.#options = options;
    this.#idleMs = Math.min(MAX_IDLE_MS, options.stallTimeoutMs / 3);
    this.#dispatchers = new Map(
      [...egresses].map(([id, proxy]) => [id, createDispatcher({ proxy, extraCa, resolve })]),
    );
  }

  /**
   * Answers a client's request for a file. Resolves once the upstream has shown status, length and first bytes of
   * real media; until then nothing has been promised.
   * @throws ServiceError `upstream_failed`, `timeout`, or what `renew` threw; the signal's reason when aborted
   */
  async open(source: MediaSource, request: MediaRequest, options: OpenOptions): Promise<MediaAnswer> {
    const { renew } = options;
    const counted: Renew | undefined =
      renew &&
      (() => {
        this.#stats.renewals += 1;
        return renew();
      });
    const trail = new LinkTrail(source, counted);
    if (wantsAll(request)) {
      const begun = await this.#start(trail, source, options.signal, true);
      const verdict = judge(request, begun.facts);
      return this.#relay(verdict, begun, { start: 0, end: begun.facts.size - 1 }, trail, options.signal);
    }
    const seen = wantsMerelyRange(request) ? this.#seen.get(source.id) : undefined;
    const facts = seen ?? (await this.#probe(trail, source, options.signal));
    const verdict = judge(request, facts);
    if (request.method === 'HEAD' || verdict.status === 304 || verdict.status === 416) {
      return answerOf(verdict, facts, null);
    }
    const range = verdict.status === 206 ? verdict.range : { start: 0, end: facts.size - 1 };
    try {
      const answer = await trail.follow(
        (link, from, round) => openRange(this.#opening(link, from, round), range, facts),
        this.#options.stallTimeoutMs,
        options.signal,
      );
      return this.#relay(verdict, { facts, answer }, range, trail, options.signal);
    } catch (error) {
      this.#seen.delete(source.id);
      // Remembered facts of a file that has been replaced since: begin as if it had never been seen.
      if (seen && trail.sawChange && !options.signal.aborted) return this.open(source, request, options);
      throw error;
    }
  }

  /** For /metrics. */
  get stats(): Readonly<RelayStats> {
    return this.#stats;
  }

  /** Ends all connections at once. */
  async close(): Promise<void> {
    await Promise.all([...this.#dispatchers.values()].map((dispatcher) => dispatcher.destroy()));
  }

  async #start(trail: LinkTrail, source: MediaSource, signal: AbortSignal, whole: boolean): Promise<Begun> {
    const begun = await trail.follow(
      (link, from, round) => openStart(this.#opening(link, from, round), whole),
      this.#options.stallTimeoutMs,
      signal,
    );
    this.#seen.set(source.id, begun.facts);
    return begun;
  }

  /** Costs 4 KiB: the first bytes say what the file is, their headers how long. */
  async #probe(trail: LinkTrail, source: MediaSource, signal: AbortSignal): Promise<MediaFacts> {
    const { facts, answer } = await this.#start(trail, source, signal, false);
    answer.transfer.dismiss();
    // undici takes a connection back one turn of the loop after its answer; without the wait the range that
    // follows would open a second one.
    await setImmediate();
    return facts;
  }

  #relay(
    verdict: Verdict,
    { facts, answer }: Begun,
    range: ByteRange,
    trail: LinkTrail,
    signal: AbortSignal,
  ): MediaAnswer {
    const { stallTimeoutMs } = this.#options;
    const body = new HealingBody({
      range,
      answer,
      stallTimeoutMs,
      signal,
      onBytes: (count) => {
        this.#stats.bytes += count;
      },
      resume: (point, gone) => {
        this.#stats.resumes += 1;
        let replaced = false;
        return trail.follow(
          async (link, from, round) => {
            try {
              return await openResume(this.#opening(link, from, round), point, facts, replaced);
            } catch (error) {
              replaced ||= link === point.broken.link && isChange(error);
              throw error;
            }
          },
          stallTimeoutMs,
          gone,
        );
      },
    });
    this.#count(body);
    return answerOf(verdict, facts, body);
  }

  #count(body: Readable): void {
    this.#stats.opened += 1;
    this.#stats.active += 1;
    body.once('close', () => {
      this.#stats.active -= 1;
      if (!body.readableEnded) this.#stats.broken += 1;
    });
  }

  #opening(link: string, source: MediaSource, round: Round): Opening {
    const dispatcher = this.#dispatchers.get(source.egress) ?? [...this.#dispatchers.values()][0];
    if (!dispatcher) throw new ServiceError('internal');
    const { onStatus } = this.#options;
    const [post = ''] = source.id.split('/', 1);
    return {
      link,
      source,
      dispatcher,
      idleMs: this.#idleMs,
      onStatus: onStatus && ((status) => onStatus(source.egress, post, status)),
      ...round,
    };
  }
}

function answerOf(verdict: Verdict, facts: MediaFacts, body: Readable | null): MediaAnswer {
  const { mime, extension, size } = facts;
  return { status: verdict.status, headers: headersFor(verdict, facts), mime, extension, size, body };
}

/** Whether the answer's bytes are the whole file whatever it turns out to be: then one request is enough. */
function wantsAll({ method, range, ifRange, ifNoneMatch, ifModifiedSince }: MediaRequest): boolean {
  if (method === 'HEAD' || ifNoneMatch !== undefined || ifModifiedSince !== undefined) return false;
  const parsed = parseRange(range, Number.MAX_SAFE_INTEGER);
  if (parsed === null) return true;
  const fromStart =
    parsed !== 'unsatisfiable' && parsed.start === 0 && parsed.end === Number.MAX_SAFE_INTEGER - 1;
  return fromStart && ifRange === undefined;
}

function wantsMerelyRange({ method, ifRange, ifNoneMatch, ifModifiedSince }: MediaRequest): boolean {
  return (
    method === 'GET' && ifRange === undefined && ifNoneMatch === undefined && ifModifiedSince === undefined
  );
}
