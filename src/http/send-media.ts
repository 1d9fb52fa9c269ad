import type { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ServiceError } from '../errors.ts';
import { contentDisposition, encodedFileName, type MediaRequest } from '../media/index.ts';
import { ClientDisconnected } from './request-context.ts';

/** What a feature gives a route to send: a file, a range of it, or its headers alone. */
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
}

export function sendMedia(
  reply: FastifyReply,
  media: SendableMedia,
  { name, inline }: SendOptions,
): FastifyReply {
  void reply
    .code(media.status)
    .headers(media.headers)
    // The link is its own secret and expires: no cache between here and the client may keep a copy. A proxy that
    // compressed the file would take its ranges and its strong ETag away.
    .header('cache-control', 'private, max-age=0, must-revalidate, no-transform');
  if (media.status === 200 || media.status === 206) {
    void reply
      .header('content-disposition', contentDisposition(name, inline))
      .header('x-filename', encodedFileName(name));
  }
  if (!media.body) return reply.send();
  media.body.once('error', (error) => logBrokenBody(reply.request, error));
  return reply.send(media.body);
}

/** The response has begun, so the failure shows in the log and in metrics alone. */
function logBrokenBody(request: FastifyRequest, error: Error): void {
  if (error instanceof ClientDisconnected || request.outcome?.code) return;
  const code = error instanceof ServiceError ? error.code : 'upstream_failed';
  request.outcome = { ...request.outcome, code, reason: error.message };
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
