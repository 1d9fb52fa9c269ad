import type { FastifyInstance } from 'fastify';
import fresh from 'fresh';
import type { Services } from '../../services.ts';
import { type Encoding, loadPageFiles, type PageFile } from '../page-files.ts';

/**
 * The page's own files, the media of this service, and nothing else. `data:` is the history's tiny pictures. No text
 * ever becomes HTML or script: with trusted types a browser refuses it even where the page had an error.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "media-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "worker-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types worker',
].join('; ');

/** Beside what every answer has. A worker lives by the policy of its own script: it fetches the page's files. */
const HEADERS: Readonly<Record<string, Record<string, string>>> = {
  '/': {
    'content-security-policy': POLICY,
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
  },
  '/sw.js': { 'content-security-policy': "default-src 'none'; connect-src 'self'" },
};

/** The web page at `/`, where it is switched on: its files from memory, as they were built. */
export async function pageRoutes(app: FastifyInstance, { config }: Services): Promise<void> {
  if (!config.server.webPage) return;
  for (const file of await loadPageFiles()) servePageFile(app, file);
}

function servePageFile(app: FastifyInstance, file: PageFile): void {
  app.route({
    method: ['GET', 'HEAD'],
    url: file.path,
    // No part of the API.
    schema: { hide: true },
    handler: (request, reply) => {
      const encoding = bestEncoding(request.headers['accept-encoding'], file);
      const { bytes, etag } = file.encoded.get(encoding) ?? file.identity;
      void reply.headers({
        // What has its version in the address stays; the others are asked for each time, mostly for a 304.
        'cache-control': file.immutable ? 'public, max-age=31536000, immutable' : 'no-cache',
        vary: 'Accept-Encoding',
        etag,
        'cross-origin-resource-policy': 'same-origin',
        ...HEADERS[file.path],
        // A search engine has the page; it is no list of posts that somebody asked for.
        ...(request.url.includes('?') && { 'x-robots-tag': 'noindex' }),
      });
      if (fresh(request.headers, { etag })) return reply.code(304).send();
      if (encoding !== 'identity') void reply.header('content-encoding', encoding);
      return reply.type(file.type).send(bytes);
    },
  });
}

/** The smallest form that the client says it can read (RFC 9110 §12.5.3; `q=0` is a no). */
function bestEncoding(header: string | string[] | undefined, { encoded }: PageFile): Encoding {
  const accepted = String(header ?? '')
    .toLowerCase()
    .split(',')
    .filter((item) => !/;\s*q=0(\.0*)?\s*$/.test(item))
    .map((item) => item.split(';', 1)[0]?.trim());
  return [...encoded.keys()].find((one) => accepted.includes(one)) ?? 'identity';
}
