import type { FastifyReply, FastifyRequest } from 'fastify';
import ipaddr from 'ipaddr.js';
import type { ExtractionTrace } from '../extraction/index.ts';

/** One visitor, for turns and limits: an IPv4 address, or the /64 that an IPv6 visitor can choose from at will. */
export function clientOf(request: FastifyRequest): string {
  if (!ipaddr.isValid(request.ip)) return request.ip;
  const address = ipaddr.process(request.ip);
  if (address.kind() === 'ipv4') return address.toString();
  return `${address.toByteArray().slice(0, 8).join('.')}/64`;
}

/** What the features need to know of who asks; they fill in the trace, which goes into the request's log line. */
export interface Visitor {
  client: string;
  signal: AbortSignal;
  trace: ExtractionTrace;
}

export function visitorOf(request: FastifyRequest, reply: FastifyReply): Visitor {
  const trace: ExtractionTrace = {};
  request.trace = trace;
  return { client: clientOf(request), signal: goneSignal(reply), trace };
}

/** The visitor went before the answer was finished. */
export class ClientGone extends Error {
  override name = 'ClientGone';
}

/**
 * Fires when the visitor goes before the whole answer was sent. Fastify's own request.signal also fires when the
 * body of a POST has been read (Fastify 5.12), so that is no use here.
 */
function goneSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort(new ClientGone());
  });
  return controller.signal;
}
