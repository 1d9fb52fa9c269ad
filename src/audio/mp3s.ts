import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import {
  fetchToFile,
  type HealingTrace,
  isMissingAtCdn,
  type MediaClient,
  type MediaSource,
} from '../cdn/index.ts';
import { ServiceError } from '../errors.ts';
import { FfmpegFailed } from '../ffmpeg/index.ts';
import { type MediaRequest, type MediaResponse, respondWithFile } from '../media/index.ts';
import {
  KEPT_MP3S,
  MAX_MP3_SOURCE_BYTES,
  MAX_SOURCES_BYTES,
  noRoom,
  RenderCache,
  type RenderCacheOptions,
  SOURCES_SHARE,
} from '../renders/index.ts';
import type { CleanupStats, TempStore } from '../temp/index.ts';
import { makeCover, makeMp3 } from './conversion.ts';
import { fetchMetadata, type Mp3Metadata } from './metadata.ts';
import type { Tags } from './tags.ts';

export interface Mp3sOptions {
  media: MediaClient;
  temp: TempStore;
  /** Null where the machine has none; then only tracks that are MP3s already are available. */
  ffmpegPath: string | null;
  log: Pick<Logger, 'warn'>;
  renders: RenderCacheOptions['renders'];
  limitClients: boolean;
  onMade?: RenderCacheOptions['onMade'];
}

export interface Mp3Options {
  /** Takes turns with other clients. */
  client: string;
  /** The client is gone. */
  signal: AbortSignal;
  /** Filled in where a track that is passed through had to be healed. */
  trace?: HealingTrace | undefined;
  /** As `Renew`; several clients may wait for one file, so its signal is not this client's. */
  renew: (signal: AbortSignal) => Promise<MediaSource>;
  /** Called only where a file is made. */
  tags: (signal: AbortSignal) => Promise<Tags>;
  /** Another file with the same sound, the video, for a track that is missing at the CDN. Null for none. */
  fallbackSource: (signal: AbortSignal) => Promise<FallbackSource | null>;
}

interface FallbackSource {
  source: MediaSource;
  renew: Mp3Options['renew'];
}

const MP3 = { mime: 'audio/mpeg', extension: 'mp3' };

/**
 * Real MP3s: a track that is one is passed through, any other track or the video is converted.
 *
 * A file is converted whole before its first byte is sent, so every response has a length, an ETag and ranges, which
 * download managers, Safari and `<audio>` need.
 */
export class Mp3s {
  readonly #options: Mp3sOptions;
  readonly #files: RenderCache;
  /** Bytes of all sources in TEMP_DIR, fetched or being fetched. */
  #reserved = 0;
  /** Sources that are no MP3, with their bytes; a range of a made file then needs no request to the CDN. */
  readonly #toMake = new LRUCache<string, number>({ max: 5000, ttl: KEPT_MP3S.maxAgeMs });
  /** Ids of tracks that are missing at the CDN; a range then needs no new extraction. */
  readonly #gone = new LRUCache<string, true>({ max: 5000, ttl: KEPT_MP3S.maxAgeMs });

  constructor(options: Mp3sOptions) {
    const { temp, renders, limitClients, onMade } = options;
    this.#options = options;
    this.#files = new RenderCache({
      temp,
      kind: 'mp3',
      renders,
      limitClients,
      ...KEPT_MP3S,
      ...(onMade && { onMade }),
    });
  }

  /** Files in the making, finished files and their bytes. */
  get status(): { inFlight: number; files: number; bytes: number } {
    return this.#files.status;
  }

  /**
   * Answers a request for the MP3 of a track or a video. HEAD makes the file as well: it promises the length that GET
   * has.
   * @throws ServiceError `render_failed`, `busy`, or as MediaClient.openMedia; the signal's reason
   */
  async openMp3(source: MediaSource, request: MediaRequest, options: Mp3Options): Promise<MediaResponse> {
    const { signal } = options;
    const video = this.#gone.has(source.id) ? await options.fallbackSource(signal) : null;
    if (video) return this.#openFallback(video, request, options);
    try {
      return await this.#open(source, request, options);
    } catch (error) {
      if (!(error instanceof ServiceError && isMissingAtCdn(error))) throw error;
      const video = await options.fallbackSource(signal);
      if (!video) throw error;
      this.#options.log.warn(
        { err: error, track: source.id },
        'track is missing at the CDN: using the sound of the video',
      );
      this.#gone.set(source.id, true);
      return this.#openFallback(video, request, options);
    }
  }

  /** A client that resumes by offset alone may hold a part of the track, which is another file. */
  #openFallback(
    { source, renew }: FallbackSource,
    request: MediaRequest,
    options: Mp3Options,
  ): Promise<MediaResponse> {
    return this.#open(source, request, { ...options, renew }, true);
  }

  async #open(
    source: MediaSource,
    request: MediaRequest,
    options: Mp3Options,
    otherFile = false,
  ): Promise<MediaResponse> {
    const { client, signal, trace } = options;
    if (!this.#toMake.has(source.id)) {
      const response = await this.#options.media.openMedia(source, request, {
        signal,
        trace,
        renew: () => options.renew(signal),
      });
      if (response.extension === 'mp3') return response;
      response.body?.destroy();
      if (!/^(?:audio|video)\//.test(response.mime)) {
        throw new ServiceError('upstream_failed', { cause: new Error(`${response.mime} instead of sound`) });
      }
      this.#toMake.set(source.id, response.size ?? 0);
    }
    const file = await this.#files.get(
      source.id,
      async ({ job, signal, withSlot }) => {
        const release = await this.#reserve(this.#toMake.get(source.id) ?? 0);
        try {
          const input = await this.#fetch(source, job.path, { ...options, signal });
          return await withSlot(() => this.#convert(input, job.path, signal));
        } finally {
          release();
        }
      },
      { client, signal },
    );
    return respondWithFile(file, MP3, request, { freshlyMade: file.isNew || otherFile });
  }

  /** Evicts files past their age; for the cleaner. */
  sweep(): Promise<CleanupStats> {
    return this.#files.sweep();
  }

  /** Aborts what is being made and removes what is kept. */
  close(): Promise<void> {
    return this.#files.close();
  }

  async #fetch(
    source: MediaSource,
    folder: string,
    { signal, renew, tags }: Mp3Options,
  ): Promise<Mp3Metadata & { sound: string }> {
    this.#requireFfmpeg();
    const { media, log } = this.#options;
    const sound = join(folder, 'sound');
    const stop = new AbortController();
    const metadata = fetchMetadata(tags, folder, {
      media,
      log,
      signal: AbortSignal.any([signal, stop.signal]),
    });
    try {
      // To a file, not into a pipe: the index of an MP4 may be at its end.
      await fetchToFile(media, source, sound, {
        signal,
        renew: () => renew(signal),
        maxBytes: MAX_MP3_SOURCE_BYTES,
      });
    } catch (error) {
      stop.abort(error);
      await metadata;
      throw error;
    }
    return { sound, ...(await metadata) };
  }

  /**
   * Reserves space in TEMP_DIR for a source. @returns gives it back
   * @throws ServiceError `busy` where there is none
   */
  async #reserve(bytes: number): Promise<() => void> {
    const free = await this.#options.temp.freeBytes();
    const room = Math.min(MAX_SOURCES_BYTES, free * SOURCES_SHARE) - this.#reserved;
    if (bytes > room) throw noRoom(new Error(`${bytes} bytes to fetch, room for ${Math.floor(room)}`));
    this.#reserved += bytes;
    return () => {
      this.#reserved -= bytes;
    };
  }

  async #convert(
    { sound, tags, picture }: Mp3Metadata & { sound: string },
    folder: string,
    signal: AbortSignal,
  ): Promise<string> {
    const conversion = { ffmpegPath: this.#requireFfmpeg(), signal };
    const mp3 = join(folder, 'sound.mp3');
    try {
      const cover = picture && (await this.#makeCover(picture, join(folder, 'cover.jpg'), conversion));
      await makeMp3({ sound, tags, cover }, mp3, conversion);
      await Promise.all([sound, picture, cover].map((path) => path && rm(path, { force: true })));
      return mp3;
    } catch (error) {
      signal.throwIfAborted();
      const stderr = error instanceof FfmpegFailed ? error.stderr : undefined;
      this.#options.log.warn({ err: error, stderr }, 'MP3 conversion failed');
      throw new ServiceError('render_failed', {
        message: 'No sound could be taken out of this post.',
        cause: error,
      });
    }
  }

  async #makeCover(picture: string, jpeg: string, conversion: { ffmpegPath: string; signal: AbortSignal }) {
    try {
      await makeCover(picture, jpeg, conversion);
      return jpeg;
    } catch (err) {
      conversion.signal.throwIfAborted();
      this.#options.log.warn({ err }, 'MP3 is made without a cover: the picture cannot be read');
      return null;
    }
  }

  #requireFfmpeg(): string {
    const { ffmpegPath, log } = this.#options;
    if (ffmpegPath !== null) return ffmpegPath;
    log.warn('no ffmpeg found: only tracks that are MP3s already are available');
    throw new ServiceError('render_failed');
  }
}
