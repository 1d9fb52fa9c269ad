import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ServiceError } from '../errors.ts';
import type { MediaClient, MediaResponse, OpenOptions } from './media-client.ts';
import { LinkError, type MediaSource } from './source.ts';

export interface FetchOptions extends OpenOptions {
  /** Larger files are refused, before the first byte is kept. */
  maxBytes: number;
}

export interface FetchToFileOptions extends FetchOptions {
  /** Bytes written so far, and all. */
  onProgress?: (bytes: number, size: number) => void;
}

export interface FetchedMedia {
  mime: string;
  extension: string;
  /** Bytes. */
  size: number;
}

/**
 * Fetches a whole file to `path`. It appears there complete or not at all.
 * @throws what `MediaClient.open` throws; `upstream_failed` for a file that is too large or cannot be completed
 */
export async function fetchToFile(
  client: MediaClient,
  source: MediaSource,
  path: string,
  options: FetchToFileOptions,
): Promise<FetchedMedia> {
  const { body, ...media } = await openWhole(client, source, options);
  const partial = `${path}.${randomUUID()}.part`;
  let written = 0;
  const count = new Transform({
    transform(chunk: Buffer, _encoding, callback) {
      written += chunk.length;
      options.onProgress?.(written, media.size);
      callback(null, chunk);
    },
  });
  try {
    await pipeline(body, count, createWriteStream(partial, { flags: 'wx' }));
    await rename(partial, path);
    return media;
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/** Fetches something small (a cover, a subtitle) into memory. Throws as `fetchToFile` does. */
export async function fetchToBuffer(
  client: MediaClient,
  source: MediaSource,
  options: FetchOptions,
): Promise<FetchedMedia & { bytes: Buffer }> {
  const { body, ...media } = await openWhole(client, source, options);
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return { ...media, bytes: Buffer.concat(chunks) };
}

async function openWhole(
  client: MediaClient,
  source: MediaSource,
  { maxBytes, ...options }: FetchOptions,
): Promise<FetchedMedia & { body: NonNullable<MediaResponse['body']> }> {
  const { body, mime, extension, size } = await client.openMedia(source, { method: 'GET' }, options);
  if (!body) throw new ServiceError('internal');
  if (size > maxBytes) {
    body.destroy();
    throw new ServiceError('upstream_failed', {
      cause: new LinkError('length', `${size} bytes are too many`),
    });
  }
  return { body, mime, extension, size };
}
