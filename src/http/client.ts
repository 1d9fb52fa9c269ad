import type { FastifyReply, FastifyRequest } from 'fastify';
import ipaddr from 'ipaddr.js';

/** One visitor, for turns and limits: an IPv4 address, or the /64 that an IPv6 visitor can choose from at will. */
export function clientOf(request: FastifyRequest): string {
  if (!ipaddr.isValid(request.ip)) return request.ip;
  const address = ipaddr.process(request.ip);
  if (address.kind() === 'ipv4') return address.toString();
  return `${address.toByteArray().slice(0, 8).join('.')}/64`;
}

/** The visitor went before the answer was finished. */
export class ClientGone extends Error {
  override name = 'ClientGone';
}

/**
 * Fires when the visitor goes before the whole answer was sent. Fastify's own request.signal also fires when the
 * body of a POST has been read (Fastify 5.12), so that is no use here.
 */
export function goneSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort(new ClientGone());
  });
  return controller.signal;
}
