import type { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import { type MediaMetadata, type MediaRequest, type MediaResponse, respond } from '../media/index.ts';
import { type Attempt, LinkFailover } from './failover.ts';
import { USUAL_HOSTS } from './hosts.ts';
import { isForPlainRange, isForWholeFile } from './media-request.ts';
import { type OpenContext, type OpenedMedia, openRange, openResume, openStart } from './open.ts';
import { type FileOutcome, faultOf } from './outcome.ts';
import { RelayCounts, type RelayStats } from './relay-counts.ts';
import { type MediaAddress, requestMedia, type UpstreamContext } from './request.ts';
import { ResumableBody, type ResumableBodyOptions, tooLarge } from './resumable-body.ts';
import { type Route, Routes } from './routes.ts';
import { isFileChanged, type MediaSource, type Renew } from './source.ts';
import { AddressGuard, type NetworkStatus, type Resolve } from './ssrf-guard.ts';
import { type WorkingLink, WorkingLinks } from './working-links.ts';

/** Upper bound of the default `idleMs`, well below what clients wait for. */
const MAX_IDLE_MS = 20_000;

export interface MediaClientOptions {
  /** Egress id → URL of its proxy; null connects directly. The first serves sources of unknown ids. */
  egresses: ReadonlyMap<string, string | null>;
  /** MEDIA_EGRESS: whether files are fetched directly where the CDN allows it. */
  directFirst?: boolean;
  /** FAKE_IP: whether names may lead to addresses of fake-IP pools. */
  allowFakeIp?: boolean;
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
  /** Receives how opening a file ended, once for each time that its links were tried. */
  onOutcome?: (outcome: FileOutcome) => void;
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
  /** Filled in where the file had to be healed. */
  trace?: HealingTrace | undefined;
}

/** What it took to keep one file whole; absent counts are 0. */
export interface HealingTrace {
  /** Times that a body which broke went on from another response. */
  resumes?: number;
  /** Extractions because no link worked any more. */
  renewals?: number;
}

interface Opening {
  failover: LinkFailover;
  source: MediaSource;
  signal: AbortSignal;
  client: string | null;
  trace: HealingTrace;
}

/** Fetches media from the CDN: the reader gets one whole, true file, or an honest error. */
export class MediaClient {
  readonly #guard: AddressGuard;
  readonly #routes: Routes;
  readonly #options: MediaClientOptions;
  readonly #idleMs: number;
  readonly #maxBytes: number;
  readonly #counts = new RelayCounts();
  /**
   * Metadata by `MediaSource.id`, so that a player's seek costs one upstream request instead of two. Used for ranges
   * only: whatever promises the existence of a file asks the CDN.
   */
  readonly #known = new LRUCache<string, MediaMetadata>({ max: 5000, ttl: 10 * 60_000 });
  readonly #working = new WorkingLinks();

  constructor(options: MediaClientOptions) {
    const { egresses, directFirst = false, extraCa = [], resolve, allowFakeIp, stallTimeoutMs } = options;
    this.#options = options;
    this.#maxBytes = options.maxBytes ?? Number.POSITIVE_INFINITY;
    this.#idleMs = options.idleMs ?? Math.min(MAX_IDLE_MS, stallTimeoutMs / 3);
    this.#guard = new AddressGuard({ resolve, allowFakeIp });
    this.#routes = new Routes({ egresses, directFirst, extraCa, guard: this.#guard });
  }

  /**
   * Answers a request for a file. Resolves once the upstream has shown status, length and first bytes of real media;
   * nothing is promised before.
   * @throws ServiceError `upstream_failed`, `timeout`, or what `renew` threw; the signal's reason when aborted
   */
  async openMedia(source: MediaSource, request: MediaRequest, options: OpenOptions): Promise<MediaResponse> {
    const opening = this.#opening(source, options);
    const { failover, signal } = opening;
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
    const { metadata, response } = await this.#probe(this.#opening(source, options));
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
    return this.#counts;
  }

  /** What the names of direct connections led to; for /health. */
  get network(): NetworkStatus {
    return this.#guard.status;
  }

  /**
   * Resolves names of media hosts where that is done here, for `network`. One after the other: each waits in one of Node's
   * few threads where the resolver is silent. Connects to nothing; never throws.
   */
  async checkNames(): Promise<void> {
    if (!this.#routes.resolvesNames) return;
    for (const host of USUAL_HOSTS) await this.#guard.addressesOf(host).catch(() => {});
  }

  /** Uses another address of an egress's proxy from now on. */
  useProxy(egress: string, proxy: string): void {
    this.#routes.useProxy(egress, proxy);
  }

  /** Ends all connections at once. */
  close(): Promise<void> {
    return this.#routes.close();
  }

  #opening(source: MediaSource, { signal, client, trace = {}, renew }: OpenOptions): Opening {
    const counted =
      renew &&
      (() => {
        this.#counts.renewals += 1;
        trace.renewals = (trace.renewals ?? 0) + 1;
        return renew();
      });
    return { failover: new LinkFailover(source, counted), source, signal, client: client ?? null, trace };
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
        this.#counts.bytes += count;
      },
      resume: this.#resume(opening, metadata),
    });
    this.#counts.follow(body, opening.signal);
    return body;
  }

  #resume(opening: Opening, metadata: MediaMetadata): ResumableBodyOptions['resume'] {
    return (point, signal) => {
      this.#counts.resumes += 1;
      opening.trace.resumes = (opening.trace.resumes ?? 0) + 1;
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

  async #tryLinks<T>(
    { failover, source: { id, egress }, client }: Opening,
    signal: AbortSignal,
    open: (context: OpenContext) => Promise<T>,
  ): Promise<T> {
    const { onOutcome, stallTimeoutMs } = this.#options;
    const outcome = { egress, via: egress, post: postOf(id) };
    const attempt: Attempt<T> = (link, source, { signal, onProgress }) =>
      this.#routes.try(link, source.egress, async (route) => {
        Object.assign(outcome, { egress: source.egress, via: route.egress });
        const upstream = this.#upstream(route, source, client, signal);
        const opened = await open({ link, source, onProgress, ...upstream });
        if (client !== null) {
          this.#working.add(client, { link, source: { ...source, egress: route.egress } });
        }
        return opened;
      });
    try {
      const opened = await failover.tryLinks(attempt, stallTimeoutMs, signal);
      onOutcome?.({ ...outcome, fault: null });
      return opened;
    } catch (error) {
      const fault = signal.aborted ? null : faultOf(error);
      if (fault !== null) onOutcome?.({ ...outcome, fault });
      throw error;
    }
  }

  /** Null where the link neither serves media nor is refused. */
  async #isAccepted({ link, source }: WorkingLink): Promise<boolean | null> {
    let status = 0;
    const route = this.#routes.ofPage(source.egress);
    const upstream = {
      ...this.#upstream(route, source, null, AbortSignal.timeout(this.#idleMs)),
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

  #upstream(
    { egress, dispatcher }: Route,
    { id }: MediaSource,
    client: string | null,
    signal: AbortSignal,
  ): UpstreamContext {
    const { onStatus } = this.#options;
    return {
      dispatcher,
      idleMs: this.#idleMs,
      signal,
      onStatus: onStatus && ((status) => onStatus({ egress, post: postOf(id), client, status })),
    };
  }
}

/** The key of a file's post, by the file's id. */
function postOf(id: string): string {
  return id.split('/', 1)[0] ?? '';
}
