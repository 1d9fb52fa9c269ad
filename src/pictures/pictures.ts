import { join } from 'node:path';
import type { Logger } from 'pino';
import { fetchToFile, type MediaClient, type MediaSource } from '../cdn/index.ts';
import { FairQueue } from '../concurrency/index.ts';
import { ServiceError } from '../errors.ts';
import { type MediaRequest, type MediaResponse, respondWithFile } from '../media/index.ts';
import {
  KEPT_PICTURES,
  MAX_PICTURE_BYTES,
  PICTURE_LIMITS,
  PICTURE_PROCESSES,
  RenderCache,
  type RenderCacheOptions,
} from '../renders/index.ts';
import type { CleanupStats, TempStore } from '../temp/index.ts';
import { PictureConverter } from './converter.ts';
import type { JpegForm } from './jpeg.ts';

export interface PicturesOptions {
  media: MediaClient;
  temp: TempStore;
  log: Pick<Logger, 'warn'>;
  limitClients: boolean;
  onMade: NonNullable<RenderCacheOptions['onMade']>;
}

export interface PictureOptions {
  /** Takes turns with other clients. */
  client: string;
  /** The client is gone. */
  signal: AbortSignal;
  /** As `Renew`; several clients may wait for one file, so its signal is not this client's. */
  renew: (signal: AbortSignal) => Promise<MediaSource>;
}

const JPEG = { mime: 'image/jpeg', extension: 'jpg' };

/** Photos as JPEGs, made once and kept for a while. */
export class Pictures {
  readonly #media: MediaClient;
  readonly #files: RenderCache;
  readonly #converter: PictureConverter;

  constructor({ media, log, ...options }: PicturesOptions) {
    this.#media = media;
    this.#converter = new PictureConverter(log);
    this.#files = new RenderCache({
      ...options,
      kind: 'picture',
      // Apart from other renders: a grid of photos does not wait for slideshows.
      renders: new FairQueue({ slots: PICTURE_PROCESSES }),
      limits: PICTURE_LIMITS,
      ...KEPT_PICTURES,
    });
  }

  /** Pictures in the making, finished ones and their bytes. */
  get status(): { inFlight: number; files: number; bytes: number } {
    return this.#files.status;
  }

  /**
   * Answers a request for a photo as a JPEG. HEAD makes it as well: it promises the length that GET has.
   * @throws ServiceError `render_failed`, `busy`, or as MediaClient.openMedia; the signal's reason
   */
  async open(
    source: MediaSource,
    form: JpegForm,
    request: MediaRequest,
    { client, signal, renew }: PictureOptions,
  ): Promise<MediaResponse> {
    const file = await this.#files.get(
      `${source.id}?width=${form.width}`,
      async ({ job, signal, withSlot }) => {
        const from = join(job.path, 'picture');
        const { mime } = await fetchToFile(this.#media, source, from, {
          signal,
          renew: () => renew(signal),
          maxBytes: MAX_PICTURE_BYTES,
        });
        if (!mime.startsWith('image/')) {
          throw new ServiceError('upstream_failed', { cause: new Error(`${mime} instead of a photo`) });
        }
        const to = join(job.path, 'picture.jpg');
        await withSlot(() => this.#converter.convert({ from, to, form }, signal));
        return to;
      },
      { client, signal },
    );
    return respondWithFile(file, JPEG, request, { freshlyMade: file.isNew });
  }

  /** Evicts files past their age; for the cleaner. */
  sweep(): Promise<CleanupStats> {
    return this.#files.sweep();
  }

  /** Aborts what is being made and removes what is kept. */
  async close(): Promise<void> {
    await this.#files.close();
    this.#converter.close();
  }
}
