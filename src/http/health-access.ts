import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { Config } from '../config.ts';
import { parseAddress } from './client-key.ts';

/** Address ranges of ipaddr.js that are not of the internet. */
const INTERNAL_RANGES = new Set(['loopback', 'private', 'uniqueLocal', 'linkLocal', 'carrierGradeNat']);

/** What a proxy adds: behind one that TRUST_PROXY does not name, every client has the proxy's own address. */
const PROXY_HEADERS = ['x-forwarded-for', 'forwarded', 'x-real-ip', 'via'];

type AccessConfig = Pick<Config, 'secrets' | 'server'>;

/**
 * Whether a request to the main port may see the details of /health, and /metrics: with HEALTH_TOKEN, clients that
 * send it as a bearer token; without, and without MANAGEMENT_PORT, clients with an internal address.
 */
export function seesDetails(request: FastifyRequest, { secrets, server }: AccessConfig): boolean {
  const { healthToken } = secrets;
  if (healthToken) return isBearer(request.headers.authorization, healthToken.reveal());
  return server.managementPort === null && isInternal(request, server.trustProxy !== false);
}

function isInternal({ ip, headers }: FastifyRequest, proxiesAreKnown: boolean): boolean {
  if (!proxiesAreKnown && PROXY_HEADERS.some((name) => headers[name] !== undefined)) return false;
  return INTERNAL_RANGES.has(parseAddress(ip)?.range() ?? '');
}

function isBearer(header: string | undefined, token: string): boolean {
  const given = /^Bearer +(\S+)$/i.exec(header ?? '')?.[1] ?? '';
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}
