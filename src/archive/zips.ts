import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { crc32 } from 'node:zlib';
import type { MediaClient, MediaSource, Renew } from '../cdn/index.ts';
import { mapLimited } from '../concurrency/index.ts';
import { ServiceError } from '../errors.ts';
import { type MediaRequest, type MediaResponse, respond, strongEtag } from '../media/index.ts';
import type { TempStore } from '../temp/index.ts';
import { SpoolBudget, type SpoolLimits } from './spool-budget.ts';
import { ZipBody, type ZipEntry } from './zip-body.ts';
import { MAX_ZIP_BYTES, zipSize } from './zip-format.ts';

export interface ZipsOptions {
  media: MediaClient;
  /** Holds the photos under way. */
  temp: TempStore;
  limits?: SpoolLimits;
}

export interface ZipPhoto {
  /** Position in the post, from 1; a live photo's still and clip share it. */
  position: number;
  /** The clip of a live photo instead of its still. */
  isClip?: boolean;
  source: MediaSource;
  renew: Renew;
  /** Opens the photo in another form, which is made when it is asked for. */
  openAs?: (method: 'GET' | 'HEAD', signal: AbortSignal) => Promise<MediaResponse>;
}

/** Gives the files of an archive their names and dates. */
export interface ZipPost {
  nameOf(file: { index: number; extension: string }): string;
  /** Unix seconds. */
  createdAt: number | null;
}

export interface ZipOptions {
  /** Key of the client, for its share of archives. */
  client: string;
  /** Aborts when the client is gone. */
  signal: AbortSignal;
}

interface Photo extends ZipEntry {
  /** Strong validator of the bytes. */
  etag: string;
}

/** As many as a browser opens to one host. */
const PROBES_AT_ONCE = 6;
/** Larger than any photo of a post. */
const MAX_PHOTO_BYTES = 64 * 1024 * 1024;
const DEFAULT_LIMITS: SpoolLimits = { maxBytes: 256 * 1024 * 1024, maxPerClient: 4 };
/** The first day that a zip file can have. */
const NO_DATE = new Date(Date.UTC(1980, 0, 1));
const BUSY_RETRY_SECONDS = 5;

/** Archives of all photos of a post, made while they are read. */
export class Zips {
  readonly #media: MediaClient;
  readonly #temp: TempStore;
  readonly #spool: SpoolBudget;

  constructor({ media, temp, limits = DEFAULT_LIMITS }: ZipsOptions) {
    this.#media = media;
    this.#temp = temp;
    this.#spool = new SpoolBudget(limits);
  }

  /**
   * Answers a request with an archive of the photos. Each photo has shown type and length before anything is promised,
   * so the archive's length is exact; a photo that is missing fails the whole request. HEAD has nothing made, so it
   * tells no length of photos in another form.
   * @throws ServiceError `busy` where too many archives are under way; as `MediaClient.openMedia`
   */
  async openZip(
    photos: readonly ZipPhoto[],
    post: ZipPost,
    request: MediaRequest,
    options: ZipOptions,
  ): Promise<MediaResponse> {
    if (photos.length === 0) throw new ServiceError('post_not_found');
    const isHead = request.method === 'HEAD';
    const entries = await mapLimited(
      photos,
      PROBES_AT_ONCE,
      ({ openAs, ...photo }, _index, signal) =>
        this.#probe({ ...photo, ...(!isHead && openAs && { openAs }) }, post, { ...options, signal }),
      options.signal,
    );
    const size = zipSize(entries);
    if (size > MAX_ZIP_BYTES) throw upstreamFailed(`a zip of ${size} bytes`);
    const date = post.createdAt === null ? NO_DATE : new Date(post.createdAt * 1000);
    const isKnown = !isHead || photos.every(({ openAs }) => !openAs);
    const metadata = {
      mime: 'application/zip',
      extension: 'zip',
      size: isKnown ? size : null,
      etag: isKnown ? etagOf(entries, date) : null,
      lastModified: null,
    };
    return respond(request, metadata, () => this.#open(entries, date, options), { ranges: false });
  }

  async #open(entries: readonly ZipEntry[], date: Date, { client, signal }: ZipOptions): Promise<ZipBody> {
    const bytes = spoolBytes(entries);
    const free = this.#spool.reserve(client, bytes);
    try {
      if ((await this.#temp.freeBytes()) < bytes) {
        throw new ServiceError('busy', { retryAfter: BUSY_RETRY_SECONDS });
      }
      const job = await this.#temp.createJob('zip');
      const onClosed = () => job.dispose().finally(free);
      return new ZipBody({ entries, date, folder: job.path, signal, onClosed });
    } catch (error) {
      free();
      throw error;
    }
  }

  async #probe(
    { position, isClip = false, source, renew, openAs }: ZipPhoto,
    { nameOf }: ZipPost,
    { client, signal }: ZipOptions,
  ): Promise<Photo> {
    let latest = source;
    const remembered: Renew = async () => {
      const renewed = await renew();
      latest = renewed;
      return renewed;
    };
    const open =
      openAs ??
      ((method, signal) => this.#media.openMedia(latest, { method }, { client, signal, renew: remembered }));
    const { mime, extension, size, headers } = await open('HEAD', signal);
    const { etag } = headers;
    if (!mime.startsWith(isClip ? 'video/' : 'image/')) throw upstreamFailed(`${mime} instead of a photo`);
    if (size === null || etag === undefined) throw upstreamFailed('a photo without a length');
    if (size > MAX_PHOTO_BYTES) throw upstreamFailed(`a photo of ${size} bytes`);
    return {
      name: nameOf({ index: position, extension }),
      size,
      etag,
      fetchTo: async (path, signal) => {
        const { body, ...now } = await open('GET', signal);
        if (!body || now.size !== size || now.headers.etag !== etag) {
          body?.destroy();
          throw upstreamFailed('another photo than before');
        }
        let crc = 0;
        body.on('data', (chunk: Buffer) => {
          crc = crc32(chunk, crc);
        });
        await pipeline(body, createWriteStream(path, { flags: 'wx' }));
        return crc;
      },
    };
  }
}

/** The most that an archive has on the disk at a time: two files in a row. */
function spoolBytes(entries: readonly ZipEntry[]): number {
  const pairs = entries.map(({ size }, index) => size + (entries[index + 1]?.size ?? 0));
  return Math.max(...pairs);
}

/** The same where the archive's bytes are the same. */
function etagOf(entries: readonly Photo[], date: Date): string {
  const parts = entries.map(({ name, size, etag }) => `\n${name} ${size} ${etag}`);
  return strongEtag(date.toISOString(), ...parts);
}

function upstreamFailed(reason: string): ServiceError {
  return new ServiceError('upstream_failed', { cause: new Error(reason) });
}
