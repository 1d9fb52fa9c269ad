import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';

/** swagger-ui's own policy asks for https, which a service without a certificate does not have. */
const DOCS_POLICY =
  "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'; frame-ancestors 'none'";

/** /openapi.json, made from the schemas that validate the requests, and /docs, a page to read it. */
export async function describeApi(app: FastifyInstance, version: string, baseUrl: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'TikTok downloader service',
        version,
        description:
          'Posts of TikTok and Douyin: metadata, and links that serve the media until they expire.',
      },
      servers: [{ url: baseUrl }],
    },
    transform: jsonSchemaTransform,
  });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: true,
    transformStaticCSP: () => DOCS_POLICY,
  });
  app.get('/openapi.json', { schema: { hide: true }, exposeHeadRoute: true }, () => app.swagger());
}
