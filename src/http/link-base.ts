import type { FastifyRequest } from 'fastify';

/** A host name or address with an optional port, and nothing else that could end up in a link. */
const HOST = /^(?:[a-z\d](?:[a-z\d._-]*[a-z\d])?\.?|\[[a-f\d:.]+\])(?::\d{1,5})?$/i;

/**
 * Start of the links in a response: BASE_URL, or the address that the request came to. X-Forwarded-Host and
 * X-Forwarded-Proto count from proxies of TRUST_PROXY only.
 * @returns null where BASE_URL is unset and the request has no valid Host
 */
export function linkBase({ protocol, host }: FastifyRequest, baseUrl: string | null): string | null {
  if (baseUrl !== null) return baseUrl;
  return /^https?$/.test(protocol) && HOST.test(host) ? `${protocol}://${host}` : null;
}
