import type { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { contentDisposition, encodedFileName, type MediaRequest } from '../media/index.ts';

/** What a feature gives a route to send: a file, a part of it, or only what is said about it. */
export interface SendableMedia {
  status: number;
  headers: Readonly<Record<string, string>>;
  body: Readable | null;
}

/** The headers of a request that decide what part of a file is wanted. */
export function mediaRequest({ method, headers }: FastifyRequest): MediaRequest {
  return {
    method: method === 'HEAD' ? 'HEAD' : 'GET',
    range: headers.range,
    ifRange: single(headers['if-range']),
    ifMatch: headers['if-match'],
    ifUnmodifiedSince: headers['if-unmodified-since'],
    ifNoneMatch: headers['if-none-match'],
    ifModifiedSince: headers['if-modified-since'],
  };
}

export interface SendOptions {
  name: string;
  inline: boolean;
  /** Milliseconds that a reader may take nothing; then he is let go of, and with him the file or upstream. */
  stallMs: number;
}

export function sendMedia(
  reply: FastifyReply,
  media: SendableMedia,
  { name, inline, stallMs }: SendOptions,
): FastifyReply {
  void reply
    .code(media.status)
    .headers(media.headers)
    // The link is its own secret and expires; nothing between us and its visitor should keep a copy.
    .header('cache-control', 'private, max-age=0, must-revalidate');
  if (media.status === 200 || media.status === 206) {
    void reply
      .header('content-disposition', contentDisposition(name, inline))
      .header('x-filename', encodedFileName(name));
  }
  if (media.body) reply.raw.setTimeout(stallMs, () => reply.raw.destroy());
  return media.body ? reply.send(media.body) : reply.send();
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
