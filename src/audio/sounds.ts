import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import { fetchToFile, isMissingAtCdn, type MediaClient, type MediaSource } from '../cdn/index.ts';
import { ServiceError } from '../errors.ts';
import { FfmpegFailed } from '../ffmpeg/index.ts';
import { type MediaRequest, type MediaResponse, type MediaType, respondWithFile } from '../media/index.ts';
import {
  KEPT_SOUNDS,
  MAX_SOUND_SOURCE_BYTES,
  RenderCache,
  type RenderCacheOptions,
} from '../renders/index.ts';
import type { CleanupStats, TempStore } from '../temp/index.ts';
import { makeCover, makeM4a, makeMp3 } from './conversion.ts';
import { fetchMetadata, type SoundMetadata } from './metadata.ts';
import { SourceBudget } from './source-budget.ts';
import type { Tags } from './tags.ts';

export interface SoundsOptions {
  media: MediaClient;
  temp: TempStore;
  /** Null where the machine has none; then only tracks that are MP3s are available. */
  ffmpegPath: string | null;
  log: Pick<Logger, 'warn' | 'error'>;
  renders: RenderCacheOptions['renders'];
  limitClients: boolean;
  onMade?: RenderCacheOptions['onMade'];
}

export interface SoundOptions {
  format: SoundFormat;
  /** Takes turns with other clients. */
  client: string;
  /** The client is gone. */
  signal: AbortSignal;
  /** As `Renew`; several clients may wait for one file, so its signal is not this client's. */
  renew: (signal: AbortSignal) => Promise<MediaSource>;
  /** Called only where a file is made. */
  tags: (signal: AbortSignal) => Promise<Tags>;
  /** Another file with the same sound, the video, where it may stand in for a track that is missing at the CDN. */
  fallbackSource: (signal: AbortSignal) => Promise<FallbackSource | null>;
}

interface FallbackSource {
  source: MediaSource;
  renew: SoundOptions['renew'];
}

export type SoundFormat = 'mp3' | 'm4a';

const TYPES: Readonly<Record<SoundFormat, MediaType>> = {
  mp3: { mime: 'audio/mpeg', extension: 'mp3' },
  m4a: { mime: 'audio/mp4', extension: 'm4a' },
};

/**
 * Real MP3s: a track that is one is passed through, any other track or the video is converted. And M4As, which have the
 * sound as it lies there.
 *
 * A file is converted whole before its first byte is sent, so every response has a length, an ETag and ranges, which
 * download managers, Safari and `<audio>` need.
 */
export class Sounds {
  readonly #options: SoundsOptions;
  readonly #files: RenderCache;
  readonly #sources: SourceBudget;
  /** Sources that are no MP3, with their bytes; a range of a made file then needs no request to the CDN. */
  readonly #toMake = new LRUCache<string, number>({ max: 5000, ttl: KEPT_SOUNDS.maxAgeMs });
  /** Ids of tracks that are missing at the CDN; a range then needs no new extraction. */
  readonly #gone = new LRUCache<string, true>({ max: 5000, ttl: KEPT_SOUNDS.maxAgeMs });

  constructor(options: SoundsOptions) {
    const { temp, renders, limitClients, onMade } = options;
    this.#options = options;
    this.#sources = new SourceBudget(temp);
    this.#files = new RenderCache({
      temp,
      kind: 'sound',
      renders,
      limitClients,
      ...KEPT_SOUNDS,
      ...(onMade && { onMade }),
    });
  }

  /** Files in the making, finished files and their bytes. */
  get status(): { inFlight: number; files: number; bytes: number } {
    return this.#files.status;
  }

  /**
   * Answers a request for the sound of a track or a video. HEAD makes the file as well: it promises the length that GET
   * has.
   * @throws ServiceError `render_failed`, `busy`, or as MediaClient.openMedia; the signal's reason
   */
  async open(source: MediaSource, request: MediaRequest, options: SoundOptions): Promise<MediaResponse> {
    const { signal } = options;
    const video = this.#gone.has(source.id) ? await options.fallbackSource(signal) : null;
    if (video) return this.#openFallback(video, request, options);
    try {
      return await this.#answer(source, request, options);
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
    options: SoundOptions,
  ): Promise<MediaResponse> {
    return this.#answer(source, request, { ...options, renew }, true);
  }

  async #answer(
    source: MediaSource,
    request: MediaRequest,
    options: SoundOptions,
    otherFile = false,
  ): Promise<MediaResponse> {
    const { client, signal, format } = options;
    if (!this.#toMake.has(source.id)) {
      const response = await this.#options.media.openMedia(source, request, {
        signal,
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
      `${source.id}/${format}`,
      async ({ job, signal, withSlot }) => {
        const release = await this.#sources.reserve(this.#toMake.get(source.id) ?? 0);
        try {
          const input = await this.#fetch(source, job.path, { ...options, signal });
          return await withSlot(() => this.#convert(input, format, job.path, signal));
        } finally {
          release();
        }
      },
      { client, signal },
    );
    return respondWithFile(file, TYPES[format], request, { freshlyMade: file.isNew || otherFile });
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
    { signal, renew, tags }: SoundOptions,
  ): Promise<SoundMetadata & { sound: string }> {
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
        maxBytes: MAX_SOUND_SOURCE_BYTES,
      });
    } catch (error) {
      stop.abort(error);
      await metadata;
      throw error;
    }
    return { sound, ...(await metadata) };
  }

  async #convert(
    { sound, tags, picture }: SoundMetadata & { sound: string },
    format: SoundFormat,
    folder: string,
    signal: AbortSignal,
  ): Promise<string> {
    const conversion = { ffmpegPath: this.#requireFfmpeg(), signal };
    const output = join(folder, `sound.${format}`);
    const make = format === 'mp3' ? makeMp3 : makeM4a;
    try {
      const cover = picture && (await this.#makeCover(picture, join(folder, 'cover.jpg'), conversion));
      await make({ sound, tags, cover }, output, conversion);
      await Promise.all([sound, picture, cover].map((path) => path && rm(path, { force: true })));
      return output;
    } catch (error) {
      signal.throwIfAborted();
      const stderr = error instanceof FfmpegFailed ? error.stderr : undefined;
      this.#options.log.error({ err: error, stderr }, 'sound failed to convert');
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
      this.#options.log.warn({ err }, 'sound is made without a cover: the picture cannot be read');
      return null;
    }
  }

  #requireFfmpeg(): string {
    const { ffmpegPath, log } = this.#options;
    if (ffmpegPath !== null) return ffmpegPath;
    log.error('no ffmpeg found: only tracks that are MP3s already are available');
    throw new ServiceError('render_failed');
  }
}
