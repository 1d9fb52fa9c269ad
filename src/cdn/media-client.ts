import type { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { Dispatcher } from 'undici';
import { ServiceError } from '../errors.ts';
import {
  type MediaMetadata,
  type MediaRequest,
  type MediaResponse,
  parseRange,
  respond,
} from '../media/index.ts';
import { createDispatcher } from './dispatcher.ts';
import { type Attempt, LinkFailover } from './failover.ts';
import { type OpenContext, type OpenedMedia, openRange, openResume, openStart } from './open.ts';
import { type MediaAddress, requestMedia, type UpstreamContext } from './request.ts';
import { ResumableBody, type ResumableBodyOptions, tooLarge } from './resumable-body.ts';
import { isFileChanged, type MediaSource, type Renew } from './source.ts';
import type { Resolve } from './ssrf-guard.ts';
import { type WorkingLink, WorkingLinks } from './working-links.ts';

/** Upper bound of the default `idleMs`, well below what clients wait for. */
const MAX_IDLE_MS = 20_000;

export interface MediaClientOptions {
  /** Egress id → URL of its proxy; null connects directly. The first serves sources of unknown ids. */
  egresses: ReadonlyMap<string, string | null>;
  /** PEM certificates trusted beside the default ones. */
  extraCa?: readonly string[];
  /** Milliseconds without progress, in either direction, that end a body (DOWNLOAD_TIMEOUT). */
  stallTimeoutMs: number;
  /** Upper bound of a file; null or absent for none. */
  maxBytes?: number | null;
  /** Milliseconds of silence after which a link is left for the next; by default a third of `stallTimeoutMs`. */
  idleMs?: number;
  /** Replaces the system's name resolution for direct egresses. */
  resolve?: Resolve;
  /** Receives each status of the CDN. */
  onStatus?: (seen: MediaStatus) => void;
}

/** A response of the CDN, for the health of the egress. */
export interface MediaStatus {
  /** Id of the egress. */
  egress: string;
  /** Key of the post. */
  post: string;
  /** Key of the client; null where the file is fetched for several. */
  client: string | null;
  status: number;
}

export interface OpenOptions {
  /** Ends everything, sockets included; aborts when the client is gone. */
  signal: AbortSignal;
  renew?: Renew;
  /** Key of the client, for the health of the egress; absent where the file is fetched for several. */
  client?: string;
}

interface Opening {
  failover: LinkFailover;
  source: MediaSource;
  signal: AbortSignal;
  client: string | null;
}

/** Totals since the start. */
export interface RelayStats {
  /** Bytes of media received, for clients and for renders. */
  bytes: number;
  /** Bodies under way now, and all there ever were. */
  active: number;
  opened: number;
  /** Bodies that ended before they were whole, because the client left or because the CDN failed. */
  brokenByClient: number;
  brokenByCdn: number;
  /** Times a body that broke went on from another response. */
  resumes: number;
  /** Extractions because no link of a file worked any more. */
  renewals: number;
}

/** Fetches media from the CDN: the reader gets one whole, true file, or an honest error. */
export class MediaClient {
  readonly #dispatchers: ReadonlyMap<string, Dispatcher>;
  readonly #options: MediaClientOptions;
  readonly #idleMs: number;
  readonly #maxBytes: number;
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
   * Metadata by `MediaSource.id`, so that a player's seek costs one upstream request instead of two. Used for ranges
   * only: whatever promises the existence of a file asks the CDN.
   */
  readonly #known = new LRUCache<string, MediaMetadata>({ max: 5000, ttl: 10 * 60_000 });
  readonly #working = new WorkingLinks();

  constructor(options: MediaClientOptions) {
    const { egresses, extraCa = [], resolve, stallTimeoutMs } = options;
    if (egresses.size === 0) throw new RangeError('MediaClient needs an egress');
    this.#options = options;
    this.#maxBytes = options.maxBytes ?? Number.POSITIVE_INFINITY;
    this.#idleMs = options.idleMs ?? Math.min(MAX_IDLE_MS, stallTimeoutMs / 3);
    this.#dispatchers = new Map(
      [...egresses].map(([id, proxy]) => [id, createDispatcher({ proxy, extraCa, resolve })]),
    );
  }

  /**
   * Answers a request for a file. Resolves once the upstream has shown status, length and first bytes of real media;
   * nothing is promised before.
   * @throws ServiceError `upstream_failed`, `timeout`, or what `renew` threw; the signal's reason when aborted
   */
  async openMedia(source: MediaSource, request: MediaRequest, options: OpenOptions): Promise<MediaResponse> {
    const { signal, client = null } = options;
    const failover = new LinkFailover(source, this.#counted(options.renew));
    const opening: Opening = { failover, source, signal, client };
    if (isForWholeFile(request)) {
      const opened = await this.#openStart(opening, true);
      return respond(request, opened.metadata, () => this.#relay(opened, null, opening));
    }
    const known = isForPlainRange(request) ? this.#known.get(source.id) : undefined;
    const metadata = known ?? (await this.#probe(opening)).metadata;
    try {
      return await respond(request, metadata, async (range) => {
        if (metadata.size === null) return this.#relay(await this.#openStart(opening, true), null, opening);
        const wanted = range ?? { start: 0, end: metadata.size - 1 };
        const response = await this.#tryLinks(opening, signal, (context) =>
          openRange(context, wanted, metadata),
        );
        return this.#relay({ metadata, response }, wanted, opening);
      });
    } catch (error) {
      this.#known.delete(source.id);
      // The known metadata are of a file that has been replaced since: start over.
      if (known && failover.fileChanged && !signal.aborted) return this.openMedia(source, request, options);
      throw error;
    }
  }

  /**
   * Verifies a file as `openMedia` does, and tells where it is for another program that fetches it.
   * @throws as `openMedia`
   */
  async locate(
    source: MediaSource,
    options: OpenOptions,
  ): Promise<{ metadata: MediaMetadata; address: MediaAddress }> {
    const { signal, client = null } = options;
    const failover = new LinkFailover(source, this.#counted(options.renew));
    const { metadata, response } = await this.#probe({ failover, source, signal, client });
    return { metadata, address: response.address };
  }

  /**
   * Requests a byte of links that served media through the egress lately.
   * @returns whether one still does; false also where none ever has; null where that cannot be told
   */
  async checkEgress(egress: string): Promise<boolean | null> {
    const links = this.#working.of(egress);
    if (!links) return false;
    const checks = await Promise.all(links.map((working) => this.#isAccepted(working)));
    if (checks.includes(true)) return true;
    return checks.includes(false) ? false : null;
  }

  /** For /metrics. */
  get stats(): Readonly<RelayStats> {
    return this.#stats;
  }

  /** Ends all connections at once. */
  async close(): Promise<void> {
    await Promise.all([...this.#dispatchers.values()].map((dispatcher) => dispatcher.destroy()));
  }

  #counted(renew: Renew | undefined): Renew | undefined {
    return (
      renew &&
      (() => {
        this.#stats.renewals += 1;
        return renew();
      })
    );
  }

  async #openStart(opening: Opening, whole: boolean): Promise<OpenedMedia> {
    const opened = await this.#tryLinks(opening, opening.signal, (context) => openStart(context, whole));
    const { size } = opened.metadata;
    if (size !== null && size > this.#maxBytes) {
      opened.response.body.destroy(tooLarge());
      throw tooLarge();
    }
    if (size !== null) this.#known.set(opening.source.id, opened.metadata);
    return opened;
  }

  /** Learns a file's metadata from its first SNIFF_BYTES. */
  async #probe(opening: Opening): Promise<OpenedMedia> {
    const opened = await this.#openStart(opening, false);
    opened.response.body.drain();
    // undici frees a connection one turn of the event loop after its response; the next request reuses it then.
    await setImmediate();
    return opened;
  }

  #relay(
    { metadata, response }: OpenedMedia,
    range: { start: number; end: number } | null,
    opening: Opening,
  ): Readable {
    const body = new ResumableBody({
      range: range ?? { start: 0, end: metadata.size === null ? null : metadata.size - 1 },
      response,
      maxBytes: this.#maxBytes,
      stallTimeoutMs: this.#options.stallTimeoutMs,
      signal: opening.signal,
      onBytes: (count) => {
        this.#stats.bytes += count;
      },
      resume: this.#resume(opening, metadata),
    });
    this.#count(body, opening.signal);
    return body;
  }

  #resume(opening: Opening, metadata: MediaMetadata): ResumableBodyOptions['resume'] {
    return (point, signal) => {
      this.#stats.resumes += 1;
      let replaced = false;
      return this.#tryLinks(opening, signal, async (context) => {
        try {
          return await openResume(context, point, metadata, replaced);
        } catch (error) {
          replaced ||= context.link === point.broken.link && isFileChanged(error);
          throw error;
        }
      });
    };
  }

  #tryLinks<T>(
    { failover, client }: Opening,
    signal: AbortSignal,
    open: (context: OpenContext) => Promise<T>,
  ): Promise<T> {
    const attempt: Attempt<T> = async (link, source, { signal, onProgress }) => {
      const opened = await open({ link, source, onProgress, ...this.#upstream(source, client, signal) });
      if (client !== null) this.#working.add(client, { link, source });
      return opened;
    };
    return failover.tryLinks(attempt, this.#options.stallTimeoutMs, signal);
  }

  /** Null where the link neither serves media nor is refused. */
  async #isAccepted({ link, source }: WorkingLink): Promise<boolean | null> {
    let status = 0;
    const upstream = {
      ...this.#upstream(source, null, AbortSignal.timeout(this.#idleMs)),
      onStatus: (seen: number) => {
        status = seen;
      },
    };
    try {
      const range = { start: 0, end: 0 };
      const { body } = await requestMedia({ source, link, range, validator: null }, upstream);
      body.drain();
      return true;
    } catch {
      return status === 403 ? false : null;
    }
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

  #upstream({ egress, id }: MediaSource, client: string | null, signal: AbortSignal): UpstreamContext {
    const dispatcher = this.#dispatchers.get(egress) ?? [...this.#dispatchers.values()][0];
    if (!dispatcher) throw new ServiceError('internal');
    const { onStatus } = this.#options;
    const [post = ''] = id.split('/', 1);
    return {
      dispatcher,
      idleMs: this.#idleMs,
      signal,
      onStatus: onStatus && ((status) => onStatus({ egress, post, client, status })),
    };
  }
}

/** Whether the body is the whole file whatever the file turns out to be: one upstream request is enough then. */
function isForWholeFile(request: MediaRequest): boolean {
  if (request.method === 'HEAD' || hasConditions(request)) return false;
  const range = parseRange(request.range, Number.MAX_SAFE_INTEGER);
  if (range === null) return true;
  return (
    request.ifRange === undefined &&
    range !== 'unsatisfiable' &&
    range.start === 0 &&
    range.end === Number.MAX_SAFE_INTEGER - 1
  );
}

function isForPlainRange(request: MediaRequest): boolean {
  return request.method === 'GET' && request.ifRange === undefined && !hasConditions(request);
}

function hasConditions({ ifMatch, ifUnmodifiedSince, ifNoneMatch, ifModifiedSince }: MediaRequest): boolean {
  return [ifMatch, ifUnmodifiedSince, ifNoneMatch, ifModifiedSince].some((one) => one !== undefined);
}
