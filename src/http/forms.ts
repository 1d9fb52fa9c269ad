import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ServiceError } from '../errors.ts';

/** Accepts what HTML forms and `curl -d` or `-F` send, as the same fields of a JSON body. */
export function acceptForms(app: FastifyInstance): void {
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_request, body, done) => done(null, Object.fromEntries(new URLSearchParams(String(body)))),
  );
  app.addContentTypeParser(
    'multipart/form-data',
    { parseAs: 'buffer' },
    async ({ headers }: FastifyRequest, body: Buffer) => {
      const type = { 'content-type': headers['content-type'] ?? '' };
      try {
        return Object.fromEntries(await new Response(body, { headers: type }).formData());
      } catch (cause) {
        throw new ServiceError('invalid_request', { message: 'The form is not valid.', cause });
      }
    },
  );
}
