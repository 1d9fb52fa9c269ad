import type { FastifyInstance } from 'fastify';
import fresh from 'fresh';
import type { Services } from '../../services.ts';
import { type Encoding, loadPageFiles, type PageFile } from '../page-files.ts';

/**
 * Content security policy of the page: its own files and the media of this service. `data:` is for the small pictures
 * of the history. Trusted types keep texts of posts from becoming HTML or script.
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

/** Additional headers by path. A service worker has the policy of its own script. */
const HEADERS: Readonly<Record<string, Record<string, string>>> = {
  '/': {
    'content-security-policy': POLICY,
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
  },
  '/sw.js': { 'content-security-policy': "default-src 'none'; connect-src 'self'" },
};

/** GET / and the files of the web page, from memory; none where WEB_PAGE is false. */
export async function pageRoutes(app: FastifyInstance, { config }: Services): Promise<void> {
  if (!config.server.webPage) return;
  for (const file of await loadPageFiles()) servePageFile(app, file);
}

function servePageFile(app: FastifyInstance, file: PageFile): void {
  app.route({
    method: ['GET', 'HEAD'],
    url: file.path,
    schema: { hide: true },
    handler: (request, reply) => {
      const encoding = bestEncoding(request.headers['accept-encoding'], file);
      const { bytes, etag } = file.encoded.get(encoding) ?? file.identity;
      void reply.headers({
        'cache-control': file.immutable ? 'public, max-age=31536000, immutable' : 'no-cache',
        vary: 'Accept-Encoding',
        etag,
        'cross-origin-resource-policy': 'same-origin',
        ...HEADERS[file.path],
        // Search engines index the page, not the posts that somebody requested.
        ...(request.url.includes('?') && { 'x-robots-tag': 'noindex' }),
      });
      if (fresh(request.headers, { etag })) return reply.code(304).send();
      if (encoding !== 'identity') void reply.header('content-encoding', encoding);
      return reply.type(file.type).send(bytes);
    },
  });
}

/** The smallest encoding that the client accepts (RFC 9110 §12.5.3). */
function bestEncoding(header: string | string[] | undefined, { encoded }: PageFile): Encoding {
  const accepted = String(header ?? '')
    .toLowerCase()
    .split(',')
    .filter((item) => !/;\s*q=0(\.0*)?\s*$/.test(item))
    .map((item) => item.split(';', 1)[0]?.trim());
  return [...encoded.keys()].find((one) => accepted.includes(one)) ?? 'identity';
}
