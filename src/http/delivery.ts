import type { FastifyRequest } from 'fastify';
import type { MediaAddress, MediaClient, MediaSource, OpenOptions } from '../cdn/index.ts';
import type { Config } from '../config.ts';
import {
  type ByteRange,
  type MediaRequest,
  type MediaResponse,
  parseContentRange,
  respond,
} from '../media/index.ts';
import { trustFunction } from './trust-proxy.ts';

/** The internal location in deploy/nginx/delivery.conf that fetches a file from the CDN. */
const LOCATION = '/-/media';

/** nginx reads the head of a response into 16 KB. */
const MAX_ADDRESS = 8000;

/**
 * Whether the nginx in front is to fetch a file by itself (DELIVERY=nginx). It asks for that in a header which it sets for
 * every client, and which it leaves out where it has failed.
 */
export function deliveryOf({ relay, egress, server }: Config): (request: FastifyRequest) => boolean {
  // nginx leaves by the machine's address, and the CDN binds some links to the address that fetched the page.
  const isPossible = relay.delivery === 'nginx' && egress.proxies.length === 0 && egress.gluetunUrl === null;
  const isTrusted = trustFunction(server.trustProxy);
  return ({ method, headers, socket }) =>
    isPossible &&
    method === 'GET' &&
    headers['x-media-delivery'] === 'nginx' &&
    isTrusted(socket.remoteAddress ?? '', 0);
}

/**
 * Verifies a file and answers with where nginx finds it; the client gets status, length and bytes from there.
 * @throws as MediaClient.openMedia
 */
export async function handOver(
  media: MediaClient,
  source: MediaSource,
  request: MediaRequest,
  options: OpenOptions,
): Promise<MediaResponse> {
  const { metadata, address } = await media.locate(source, options);
  if (metadata.size === null || address.url.length > MAX_ADDRESS) {
    return media.openMedia(source, request, options);
  }
  const response = await respond(request, metadata, () => null);
  if (response.status !== 200 && response.status !== 206) return response;
  const { 'content-length': _, 'content-range': range, ...headers } = response.headers;
  return { ...response, headers: { ...headers, ...accelHeaders(address, parseContentRange(range)) } };
}

/** Each value is visible ASCII: of the URL parser, of a constant, of numbers, or checked (the cookie). */
function accelHeaders(
  { url, userAgent, referer, cookie }: MediaAddress,
  range: ByteRange | null,
): Record<string, string> {
  return {
    'x-accel-redirect': LOCATION,
    'x-media-link': url,
    'x-media-agent': userAgent,
    'x-media-referer': referer,
    ...(cookie !== null && { 'x-media-cookie': cookie }),
    ...(range && { 'x-media-range': `bytes=${range.start}-${range.end}` }),
  };
}
