import type { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { Dispatcher } from 'undici';
import { ServiceError } from '../errors.ts';
import type { MediaMetadata } from '../media/index.ts';
import {
  type ByteRange,
  evaluatePreconditions,
  headersFor,
  type MediaRequest,
  type PreconditionResult,
  parseRange,
} from '../media/index.ts';
import { createDispatcher } from './dispatcher.ts';
import { type AttemptContext, LinkFailover } from './failover.ts';
import { type OpenContext, type OpenedMedia, openRange, openResume, openStart } from './open.ts';
import { ResumableBody } from './resumable-body.ts';
import { isFileChanged, type MediaSource, type Renew } from './source.ts';
import type { Resolve } from './ssrf-guard.ts';

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
  /** Hears what the CDN responses: through which egress, for a file of which post, with which status. */
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
  /** Bodies that ended before they were whole, because the client left or because the CDN failed. */
  brokenByClient: number;
  brokenByCdn: number;
  /** Times a body that broke went on from another response. */
  resumes: number;
  /** Extractions asked for because no link of a file worked any more. */
  renewals: number;
}

/** Everything a route needs to response. */
export interface MediaResponse {
  status: PreconditionResult['status'];
  /** Content-Type, -Length, -Range, Accept-Ranges, ETag, Last-Modified; lower-case names. */
  headers: Readonly<Record<string, string>>;
  mime: string;
  /** Without a dot. */
  extension: string;
  /** Bytes of the whole file. */
  size: number;
  /** Null where the response has no body (HEAD, 304, 416). Must be read or destroyed. */
  body: Readable | null;
}

/** Fetches media from the CDN so that whoever reads it sees one whole, true file, or an honest error. */
export class MediaClient {
  readonly #dispatchers: ReadonlyMap<string, Dispatcher>;
  readonly #options: MediaClientOptions;
  readonly #idleMs: number;
  readonly #stats: RelayStats = {
    bytes: 0,
    active: 0,
    opened: 0,
    brokenByClient: 0,
    brokenByCdn: 0,
    resumes: 0,
    renewals: 0,
  };
  /**
   * Facts of files seen lately, by the source's id, so that each seek of a player costs one upstream request
   * instead of two. Only for ranges; whatever promises the existence of a file asks the CDN.
   */
  readonly #seen = new LRUCache<string, MediaMetadata>({ max: 5000, ttl: 10 * 60_000 });

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
  async openMedia(source: MediaSource, request: MediaRequest, options: OpenOptions): Promise<MediaResponse> {
    const { renew } = options;
    const counted: Renew | undefined =
      renew &&
      (() => {
        this.#stats.renewals += 1;
        return renew();
      });
    const failover = new LinkFailover(source, counted);
    if (wantsAll(request)) {
      const opened = await this.#start(failover, source, options.signal, true);
      const verdict = evaluatePreconditions(request, opened.metadata);
      return this.#relay(
        verdict,
        opened,
        { start: 0, end: opened.metadata.size - 1 },
        failover,
        options.signal,
      );
    }
    const seen = wantsMerelyRange(request) ? this.#seen.get(source.id) : undefined;
    const metadata = seen ?? (await this.#probe(failover, source, options.signal));
    const verdict = evaluatePreconditions(request, metadata);
    if (request.method === 'HEAD' || verdict.status === 304 || verdict.status === 416) {
      return toMediaResponse(verdict, metadata, null);
    }
    const range = verdict.status === 206 ? verdict.range : { start: 0, end: metadata.size - 1 };
    try {
      const response = await failover.tryLinks(
        (link, from, attempt) => openRange(this.#context(link, from, attempt), range, metadata),
        this.#options.stallTimeoutMs,
        options.signal,
      );
      return this.#relay(verdict, { metadata, response }, range, failover, options.signal);
    } catch (error) {
      this.#seen.delete(source.id);
      // Remembered metadata of a file that has been replaced since: begin as if it had never been seen.
      if (seen && failover.fileChanged && !options.signal.aborted)
        return this.openMedia(source, request, options);
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

  async #start(
    failover: LinkFailover,
    source: MediaSource,
    signal: AbortSignal,
    whole: boolean,
  ): Promise<OpenedMedia> {
    const opened = await failover.tryLinks(
      (link, from, attempt) => openStart(this.#context(link, from, attempt), whole),
      this.#options.stallTimeoutMs,
      signal,
    );
    this.#seen.set(source.id, opened.metadata);
    return opened;
  }

  /** Costs 4 KiB: the first bytes say what the file is, their headers how long. */
  async #probe(failover: LinkFailover, source: MediaSource, signal: AbortSignal): Promise<MediaMetadata> {
    const { metadata, response } = await this.#start(failover, source, signal, false);
    response.body.drain();
    // undici takes a connection back one turn of the loop after its response; without the wait the range that
    // follows would open a second one.
    await setImmediate();
    return metadata;
  }

  #relay(
    verdict: PreconditionResult,
    { metadata, response }: OpenedMedia,
    range: ByteRange,
    failover: LinkFailover,
    signal: AbortSignal,
  ): MediaResponse {
    const { stallTimeoutMs } = this.#options;
    const body = new ResumableBody({
      range,
      response,
      stallTimeoutMs,
      signal,
      onBytes: (count) => {
        this.#stats.bytes += count;
      },
      resume: (point, gone) => {
        this.#stats.resumes += 1;
        let replaced = false;
        return failover.tryLinks(
          async (link, from, attempt) => {
            try {
              return await openResume(this.#context(link, from, attempt), point, metadata, replaced);
            } catch (error) {
              replaced ||= link === point.broken.link && isFileChanged(error);
              throw error;
            }
          },
          stallTimeoutMs,
          gone,
        );
      },
    });
    this.#count(body, signal);
    return toMediaResponse(verdict, metadata, body);
  }

  #count(body: Readable, signal: AbortSignal): void {
    this.#stats.opened += 1;
    this.#stats.active += 1;
    body.once('close', () => {
      this.#stats.active -= 1;
      if (body.readableEnded) return;
      // Buffered bytes at the end mean that the client had stopped reading.
      const byCdn = body.errored && !signal.aborted && body.readableLength === 0;
      if (byCdn) this.#stats.brokenByCdn += 1;
      else this.#stats.brokenByClient += 1;
    });
  }

  #context(link: string, source: MediaSource, attempt: AttemptContext): OpenContext {
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
      ...attempt,
    };
  }
}

function toMediaResponse(
  verdict: PreconditionResult,
  metadata: MediaMetadata,
  body: Readable | null,
): MediaResponse {
  const { mime, extension, size } = metadata;
  return { status: verdict.status, headers: headersFor(verdict, metadata), mime, extension, size, body };
}

/** Whether the response's bytes are the whole file whatever it turns out to be: then one request is enough. */
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
