import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Transform, type TransformCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ServiceError } from '../errors.ts';
import type { MediaResponse } from '../media/index.ts';
import type { MediaClient, OpenOptions } from './media-client.ts';
import { LinkError, type MediaSource } from './source.ts';

export interface FetchOptions extends OpenOptions {
  /** Larger files fail with `upstream_failed`, before the first byte is written where their size is known. */
  maxBytes: number;
}

export interface FetchToFileOptions extends FetchOptions {
  /** Receives the bytes written so far, and the size where it is known. */
  onProgress?: (bytes: number, size: number | null) => void;
}

export interface FetchedMedia {
  mime: string;
  /** Without a dot. */
  extension: string;
  /** Bytes. */
  size: number;
}

/**
 * Fetches a whole file to `path`, where it appears complete or not at all.
 * @throws what `MediaClient.openMedia` throws; `upstream_failed` for a file that is too large or incomplete
 */
export async function fetchToFile(
  client: MediaClient,
  source: MediaSource,
  path: string,
  options: FetchToFileOptions,
): Promise<FetchedMedia> {
  const { body, mime, extension, size } = await openWhole(client, source, options);
  const partial = `${path}.${randomUUID()}.part`;
  const counter = new Counter(options.maxBytes, (bytes) => options.onProgress?.(bytes, size));
  try {
    await pipeline(body, counter, createWriteStream(partial, { flags: 'wx' }));
    await rename(partial, path);
    return { mime, extension, size: counter.bytes };
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/**
 * Fetches a small file (a cover, a subtitle) into memory.
 * @throws what `fetchToFile` throws
 */
export async function fetchToBuffer(
  client: MediaClient,
  source: MediaSource,
  options: FetchOptions,
): Promise<FetchedMedia & { bytes: Buffer }> {
  const { body, mime, extension } = await openWhole(client, source, options);
  const counter = new Counter(options.maxBytes);
  const chunks: Buffer[] = [];
  await pipeline(body, counter, async (counted) => {
    for await (const chunk of counted) chunks.push(chunk);
  });
  return { mime, extension, size: counter.bytes, bytes: Buffer.concat(chunks) };
}

/** Passes bytes on and counts them; fails beyond `maxBytes`. */
class Counter extends Transform {
  bytes = 0;
  readonly #maxBytes: number;
  readonly #onProgress: ((bytes: number) => void) | undefined;

  constructor(maxBytes: number, onProgress?: (bytes: number) => void) {
    super();
    this.#maxBytes = maxBytes;
    this.#onProgress = onProgress;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    this.bytes += chunk.length;
    if (this.bytes > this.#maxBytes) {
      callback(tooLarge(this.bytes));
    } else {
      this.#onProgress?.(this.bytes);
      callback(null, chunk);
    }
  }
}

async function openWhole(
  client: MediaClient,
  source: MediaSource,
  { maxBytes, ...options }: FetchOptions,
): Promise<MediaResponse & { body: NonNullable<MediaResponse['body']> }> {
  const { body, ...response } = await client.openMedia(source, { method: 'GET' }, options);
  if (!body) throw new ServiceError('internal');
  if (response.size !== null && response.size > maxBytes) {
    body.destroy();
    throw tooLarge(response.size);
  }
  return { ...response, body };
}

function tooLarge(bytes: number): ServiceError {
  return new ServiceError('upstream_failed', {
    cause: new LinkError('length', `${bytes} bytes are too many`),
  });
}
