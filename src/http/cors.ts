import cors from '@fastify/cors';
import type { FastifyInstance } from 'fastify';

const EXPOSED_HEADERS = [
  'Content-Disposition',
  'X-Filename',
  'Content-Length',
  'Content-Range',
  'Accept-Ranges',
  'ETag',
  'Retry-After',
  'RateLimit-Limit',
  'RateLimit-Remaining',
  'RateLimit-Reset',
  'X-Request-Id',
  'X-Session',
  'WWW-Authenticate',
];

const ALLOW_ORIGIN = 'Access-Control-Allow-Origin';

/** @param setting CORS_ORIGIN */
export async function registerCors(app: FastifyInstance, setting: readonly string[] | '*'): Promise<void> {
  await app.register(cors, {
    origin: setting === '*' ? '*' : setting.map(originOrPattern),
    exposedHeaders: EXPOSED_HEADERS,
    maxAge: 86_400,
    // Any other OPTIONS is answered like a preflight instead of with a text of the plugin.
    strictPreflight: false,
  });
  // A predecessor's script looks for the capitals in a preflight of this route; another one for small letters elsewhere.
  app.addHook('onSend', async ({ method, url }, reply) => {
    const origin = reply.getHeader(ALLOW_ORIGIN);
    if (method !== 'OPTIONS' || url !== '/tiktok' || origin === undefined) return;
    reply.removeHeader(ALLOW_ORIGIN);
    reply.raw.setHeader(ALLOW_ORIGIN, origin);
  });
}

/** `https://*.example.com` matches every subdomain, and no other host. */
function originOrPattern(origin: string): string | RegExp {
  if (!origin.includes('://*.')) return origin;
  const [scheme = '', host = ''] = origin.split('://*.');
  const escaped = (text: string) => text.replaceAll(/[.+]/g, '\\$&');
  return new RegExp(`^${escaped(scheme)}://([a-z\\d_-]+\\.)+${escaped(host)}$`);
}
