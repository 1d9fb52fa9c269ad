import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import { fetchToFile, isMissingAtCdn, type MediaClient, type MediaSource } from '../cdn/index.ts';
import { ServiceError } from '../errors.ts';
import { FfmpegFailed } from '../ffmpeg/index.ts';
import { type MediaRequest, type MediaResponse, respondWithFile } from '../media/index.ts';
import { RenderCache, type RenderCacheOptions } from '../renders/index.ts';
import type { CleanupStats, TempStore } from '../temp/index.ts';
import { makeCover, makeMp3 } from './conversion.ts';
import { fetchMetadata, type Mp3Metadata } from './metadata.ts';
import type { Tags } from './tags.ts';

export interface Mp3sOptions {
  media: MediaClient;
  temp: TempStore;
  /** Null where the machine has none: then only tracks that are MP3s already can be had. */
  ffmpegPath: string | null;
  log: Pick<Logger, 'warn' | 'error'>;
  /** Conversions at a time; as many as there are processors is a good number. */
  maxConversions: number;
  /** As RenderStoreOptions.onMade. */
  onMade?: RenderCacheOptions['onMade'];
}

export interface Mp3Options {
  /** The client is gone. */
  signal: AbortSignal;
  /** As `Renew`; several clients may wait for the same file, so its signal is not this client's. */
  renew: (signal: AbortSignal) => Promise<MediaSource>;
  /** Asked only where a file is made. */
  tags: (signal: AbortSignal) => Promise<Tags>;
  /** Another file with the sound, the video: asked where the CDN does not have the track any more. Null for none. */
  fallbackSource: (signal: AbortSignal) => Promise<FallbackSource | null>;
}

interface FallbackSource {
  source: MediaSource;
  renew: Mp3Options['renew'];
}

/** Conversions that may wait for each one that runs: a second or two each, then the visitor's patience ends. */
const WAITING_FOR_EACH = 16;
/** A player that seeks or a download that is resumed comes back within this time. */
const KEPT_MS = 15 * 60_000;
const KEPT_BYTES = 512 * 1024 * 1024;
const MP3 = { mime: 'audio/mpeg', extension: 'mp3' };
/** The longest videos have an hour. */
const MAX_SOURCE_BYTES = 1024 * 1024 * 1024;

/**
 * Real MP3s. A track that is one is passed through; of any other track, or of the video itself, one is made.
 *
 * A file is made whole before its first byte is sent. That costs the first visitor the time of fetching and a second
 * for five minutes of sound; for that, nothing is promised that cannot be kept, and every answer, the first too, has
 * its length, its ETag and true ranges, which download managers, Safari and `<audio>` ask for. An MP3 streamed while
 * it is made has neither a length nor the header from which players take its duration.
 */
export class Mp3s {
  readonly #options: Mp3sOptions;
  readonly #files: RenderCache;
  /** Ids of sources found to be no MP3, so that each range of a made file does not ask the CDN again. */
  readonly #toMake = new LRUCache<string, true>({ max: 5000, ttl: KEPT_MS });
  /** Ids of tracks that the CDN did not have, so that each range does not have the post extracted again. */
  readonly #gone = new LRUCache<string, true>({ max: 5000, ttl: KEPT_MS });

  constructor(options: Mp3sOptions) {
    const { temp, maxConversions, onMade } = options;
    this.#options = options;
    this.#files = new RenderCache({
      temp,
      kind: 'mp3',
      maxRenders: maxConversions,
      maxQueue: maxConversions * WAITING_FOR_EACH,
      maxAgeMs: KEPT_MS,
      ...(onMade && { onMade }),
      maxBytes: KEPT_BYTES,
    });
  }

  /** For health and metrics. */
  get status(): { inFlight: number; files: number; bytes: number } {
    return this.#files.status;
  }

  /**
   * Answers a request for the MP3 of a track or a video.
   * @throws ServiceError `render_failed`, `busy`, or as MediaClient.open; the signal's reason when aborted
   */
  async openMp3(source: MediaSource, request: MediaRequest, options: Mp3Options): Promise<MediaResponse> {
    const { signal } = options;
    const video = this.#gone.has(source.id) ? await options.fallbackSource(signal) : null;
    if (video) return this.#openInstead(video, request, options);
    try {
      return await this.#open(source, request, options);
    } catch (error) {
      if (!(error instanceof ServiceError && isMissingAtCdn(error))) throw error;
      const video = await options.fallbackSource(signal);
      if (!video) throw error;
      this.#options.log.warn(
        { err: error, track: source.id },
        'a track is gone: its sound comes from the video',
      );
      this.#gone.set(source.id, true);
      return this.#openInstead(video, request, options);
    }
  }

  #openInstead(
    { source, renew }: FallbackSource,
    request: MediaRequest,
    options: Mp3Options,
  ): Promise<MediaResponse> {
    // Who goes on by the offset alone may hold the beginning of the track, and this is another file.
    const blind = request.ifRange === undefined && !/^\s*bytes\s*=\s*0-/i.test(request.range ?? '');
    return this.#open(source, { ...request, ...(blind && { range: undefined }) }, { ...options, renew });
  }

  async #open(source: MediaSource, request: MediaRequest, options: Mp3Options): Promise<MediaResponse> {
    const { signal } = options;
    if (!this.#toMake.has(source.id)) {
      const answer = await this.#options.media.openMedia(source, request, {
        signal,
        renew: () => options.renew(signal),
      });
      if (answer.extension === 'mp3') return answer;
      answer.body?.destroy();
      if (!/^(?:audio|video)\//.test(answer.mime)) {
        throw new ServiceError('upstream_failed', { cause: new Error(`${answer.mime} instead of sound`) });
      }
      this.#toMake.set(source.id, true);
    }
    const file = await this.#files.get(
      source.id,
      async ({ job, signal, turn }) => {
        const parts = await this.#fetch(source, job.path, { ...options, signal });
        return turn(() => this.#convert(parts, job.path, signal));
      },
      { signal },
    );
    return respondWithFile(file, MP3, request);
  }

  /** For the cleaner: lets go of files past their age. */
  sweep(): Promise<CleanupStats> {
    return this.#files.sweep();
  }

  /** Ends what is being made and removes what is kept. */
  close(): Promise<void> {
    return this.#files.close();
  }

  async #fetch(
    source: MediaSource,
    folder: string,
    { signal, renew, tags }: Mp3Options,
  ): Promise<Mp3Metadata & { sound: string }> {
    this.#ffmpeg();
    const { media, log } = this.#options;
    const stop = new AbortController();
    const gathering = fetchMetadata(tags, folder, {
      media,
      log,
      signal: AbortSignal.any([signal, stop.signal]),
    });
    const sound = join(folder, 'sound');
    try {
      // To a file, not into a pipe: what ffmpeg needs first of an MP4 may stand at its end.
      await fetchToFile(media, source, sound, {
        signal,
        renew: () => renew(signal),
        maxBytes: MAX_SOURCE_BYTES,
      });
    } catch (error) {
      stop.abort(error);
      await gathering;
      throw error;
    }
    return { sound, ...(await gathering) };
  }

  async #convert(
    { sound, tags, picture }: Mp3Metadata & { sound: string },
    folder: string,
    signal: AbortSignal,
  ): Promise<string> {
    const running = { ffmpegPath: this.#ffmpeg(), signal };
    const mp3 = join(folder, 'sound.mp3');
    try {
      const cover = picture && (await this.#cover(picture, join(folder, 'cover.jpg'), running));
      await makeMp3({ sound, tags, cover }, mp3, running);
      await Promise.all([sound, picture, cover].map((path) => path && rm(path, { force: true })));
      return mp3;
    } catch (error) {
      signal.throwIfAborted();
      const stderr = error instanceof FfmpegFailed ? error.stderr : undefined;
      this.#options.log.error({ err: error, stderr }, 'an MP3 could not be made');
      throw new ServiceError('render_failed', {
        message: 'No sound could be taken out of this post.',
        cause: error,
      });
    }
  }

  async #cover(picture: string, jpeg: string, running: { ffmpegPath: string; signal: AbortSignal }) {
    try {
      await makeCover(picture, jpeg, running);
      return jpeg;
    } catch (err) {
      running.signal.throwIfAborted();
      this.#options.log.warn({ err }, 'an MP3 goes without its cover: the picture could not be read');
      return null;
    }
  }

  #ffmpeg(): string {
    const { ffmpegPath, log } = this.#options;
    if (ffmpegPath !== null) return ffmpegPath;
    log.error('no ffmpeg on this machine: only tracks that are MP3s already can be had');
    throw new ServiceError('render_failed');
  }
}
