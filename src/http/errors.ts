import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { ServiceError } from '../errors.ts';

/** Those that any route of ours has. OPTIONS is answered everywhere, for CORS. */
const METHODS = ['GET', 'HEAD', 'POST'];

/** The body of every error (CONTRACT §6). */
export function errorBody(error: ServiceError, requestId: string) {
  return {
    error: error.message,
    code: error.code,
    retryable: error.retryable,
    ...(error.retryAfter !== undefined && { retry_after: error.retryAfter }),
    request_id: requestId,
  };
}

/** Makes every failure of a route, and every request for no route, an answer of the catalogue. */
export function registerErrorHandlers(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const known = toServiceError(error);
    logFailure(request, known, error);
    return sendError(reply, known);
  });
  app.setNotFoundHandler((request, reply) => {
    const [path = ''] = request.url.split('?', 1);
    const allowed = METHODS.filter((method) => app.hasRoute({ method, url: path }));
    const message = `There is no ${request.method} ${path.slice(0, 100)} here.`;
    // RFC 9110 §15.5.6.
    if (allowed.length > 0) void reply.header('allow', [...allowed, 'OPTIONS'].join(', '));
    return reply
      .code(allowed.length > 0 ? 405 : 404)
      .type('application/json; charset=utf-8')
      .send(JSON.stringify(errorBody(new ServiceError('invalid_request', { message }), request.id)));
  });
}

export function sendError(reply: FastifyReply, error: ServiceError): FastifyReply {
  if (error.retryAfter !== undefined) void reply.header('retry-after', error.retryAfter);
  return reply
    .code(error.status)
    .header('cache-control', 'no-store')
    .type('application/json; charset=utf-8')
    .send(JSON.stringify(errorBody(error, reply.request.id)));
}

/** The answer that an error of a route, a plugin or Fastify becomes. */
export function toServiceError(error: FastifyError): ServiceError {
  if (error instanceof ServiceError) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    const fields = error.validation.map(({ instancePath, message }) => {
      const name = instancePath.replace(/^\//, '').replaceAll('/', '.') || error.validationContext;
      return `${name}: ${message}`;
    });
    return new ServiceError('invalid_request', { message: fields.join('; '), cause: error });
  }
  // Fastify's own refusals of a request: malformed JSON, a wrong content type, a body too large.
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) {
    return new ServiceError('invalid_request', {
      message: `The request is not valid: ${error.message}`,
      cause: error,
    });
  }
  return new ServiceError('internal', { cause: error });
}

function logFailure(request: FastifyRequest, known: ServiceError, error: Error): void {
  if (known.code === 'internal') request.log.error({ err: error }, 'internal error');
  request.outcome = {
    ...request.outcome,
    code: known.code,
    reason: known.cause instanceof Error ? known.cause.message : undefined,
  };
}
