import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import type { Limits } from '../limits.ts';
import { DownloadLimiter } from './download-limiter.ts';
import { securitySchemes } from './schemas/access.ts';

/** swagger-ui's own policy asks for https, which a service without a certificate does not have. */
const DOCS_POLICY =
  "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'; frame-ancestors 'none'";

/** /openapi.json, generated from the schemas that validate the requests, and /docs, a page that shows it. */
export async function describeApi(
  app: FastifyInstance,
  version: string,
  baseUrl: string | null,
): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'TikTok downloader service',
        version,
        description:
          'Posts of TikTok and Douyin: metadata, and links to the media that work until they expire.',
      },
      servers: [{ url: baseUrl ?? '/' }],
      components: { securitySchemes },
    },
    transform: jsonSchemaTransform,
  });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: true,
    transformStaticCSP: () => DOCS_POLICY,
  });
  let document: Buffer | null = null;
  app.get('/openapi.json', { schema: { hide: true }, exposeHeadRoute: true }, (_request, reply) => {
    document ??= Buffer.from(JSON.stringify(app.swagger()));
    return reply.type('application/json; charset=utf-8').send(document);
  });
}

/** Reads each file of /docs once: a client that reads slowly must not keep a file open. */
export function serveDocsFromMemory(app: FastifyInstance, { client, process }: Limits): void {
  const slots = new DownloadLimiter({ all: process.docs, each: client.docs });
  const files = new Map<string, Promise<Buffer>>();
  const isDocs = (url: string | undefined) => url?.startsWith('/docs/static') ?? false;
  app.addHook('onRequest', async (request, reply) => {
    if (!isDocs(request.routeOptions.url)) return;
    delete request.headers.range;
    await slots.hook(request, reply);
  });
  app.addHook('onSend', async (request, reply, payload) => {
    if (!(payload instanceof Readable) || !isDocs(request.routeOptions.url)) return payload;
    const path = request.url.split('?', 1)[0] ?? '';
    const known = files.get(path);
    if (known) {
      payload.destroy();
      return known;
    }
    const content = buffer(payload);
    if (reply.statusCode === 200) files.set(path, content);
    return content;
  });
}
