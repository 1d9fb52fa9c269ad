import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import ipaddr from 'ipaddr.js';
import { ServiceError } from '../errors.ts';
import type { ExtractionTimings } from '../extraction/index.ts';

/** Some proxies write the port behind the address: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
const WITH_PORT = /^(?:\[([\da-f:.]+)\]|([\d.]+))(?::\d{1,5})?$/i;

/**
 * One visitor, for turns and limits: an IPv4 address, or the /64 that an IPv6 visitor can choose from at will. What a
 * trusted proxy passes on that is no address makes one visitor together, for it may be anything, of any length.
 */
export function clientKey({ ip }: Pick<FastifyRequest, 'ip'>): string {
  const [, inBrackets, plain] = WITH_PORT.exec(ip) ?? [];
  const text = inBrackets ?? plain ?? ip;
  if (!ipaddr.isValid(text)) return 'unknown';
  const address = ipaddr.process(text);
  if (address.kind() === 'ipv4') return address.toString();
  return `${address.toByteArray().slice(0, 8).join('.')}/64`;
}

/** What the features need to know of who asks; they fill in the trace, which goes into the request's log line. */
export interface RequestContext {
  client: string;
  signal: AbortSignal;
  trace: ExtractionTimings;
}

export function requestContext(request: FastifyRequest, reply: FastifyReply): RequestContext {
  const trace: ExtractionTimings = {};
  request.trace = trace;
  return { client: clientKey(request), signal: disconnectSignal(request, reply), trace };
}

declare module 'fastify' {
  interface FastifyInstance {
    /** All who are being answered. */
    visitors: Set<AbortController>;
  }
}

/** Ends all that is being done for visitors: who has no answer yet gets `busy`, a file under way is broken off. */
export function abortAll(app: FastifyInstance): void {
  const reason = new ServiceError('busy', { message: 'The server is restarting.', retryAfter: 1 });
  for (const visitor of app.visitors) visitor.abort(reason);
}

/** The visitor went before the answer was finished. */
export class ClientDisconnected extends Error {
  override name = 'ClientGone';
}

/**
 * Fires when the visitor goes before the whole answer was sent, or when the service gives up at its end. Fastify's
 * own request.signal also fires when the body of a POST has been read (Fastify 5.12), so that is no use here.
 */
function disconnectSignal({ server }: FastifyRequest, { raw }: FastifyReply): AbortSignal {
  const controller = new AbortController();
  const gone = () => controller.abort(new ClientDisconnected());
  // He may have gone while his limits were looked up in Redis.
  if (raw.destroyed) gone();
  server.visitors.add(controller);
  raw.once('close', () => {
    server.visitors.delete(controller);
    if (!raw.writableFinished) gone();
  });
  return controller.signal;
}
