import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { ServiceError } from '../errors.ts';
import { CLIENT_CLOSED_REQUEST } from './access-log.ts';
import { ClientDisconnected } from './request-context.ts';

/** Methods of the routes. OPTIONS is answered everywhere, for CORS. */
const METHODS = ['GET', 'HEAD', 'POST'];

/** The JSON body of every error. */
export function errorBody(error: ServiceError, requestId: string) {
  return {
    error: error.message,
    code: error.code,
    retryable: error.retryable,
    ...(error.retryAfter !== undefined && { retry_after: error.retryAfter }),
    request_id: requestId,
  };
}

/** Turns every failure of a route, and every request without a route, into an error response. */
export function registerErrorHandlers(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    if (error instanceof ClientDisconnected) return reply.code(CLIENT_CLOSED_REQUEST).send();
    const known = toServiceError(error);
    if (known.code === 'internal') request.log.error({ err: error }, 'internal error');
    return sendError(reply, known);
  });
  app.setNotFoundHandler((request, reply) => {
    const [path = ''] = request.url.split('?', 1);
    const allowed = METHODS.filter((method) => app.hasRoute({ method, url: path }));
    if (allowed.length === 0) return routeNotFound(reply);
    // RFC 9110 §15.5.6.
    void reply.header('allow', [...allowed, 'OPTIONS'].join(', '));
    const message = `${request.method} is not allowed here.`;
    return sendError(reply, new ServiceError('invalid_request', { message }), 405);
  });
}

/** The predecessors' scripts look for these very words. */
export function routeNotFound(reply: FastifyReply): FastifyReply {
  return sendError(reply, new ServiceError('invalid_request', { message: 'Route not found' }), 404);
}

export function sendError(
  reply: FastifyReply,
  error: ServiceError,
  status: number = error.status,
): FastifyReply {
  const { request } = reply;
  const reason = error.cause instanceof Error ? error.cause.message : undefined;
  request.outcome = { ...request.outcome, code: error.code, reason };
  if (error.retryAfter !== undefined) void reply.header('retry-after', error.retryAfter);
  return reply
    .code(status)
    .header('cache-control', 'no-store')
    .type('application/json; charset=utf-8')
    .send(JSON.stringify(errorBody(error, request.id)));
}

/** The error response for an error of a route, a plugin or Fastify. */
export function toServiceError(error: FastifyError): ServiceError {
  if (error instanceof ServiceError) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    const fields = error.validation.map(({ instancePath, message }) => {
      const name = instancePath.replace(/^\//, '').replaceAll('/', '.') || error.validationContext;
      return `${name}: ${message}`;
    });
    return new ServiceError('invalid_request', { message: fields.join('; '), cause: error });
  }
  // Fastify's own rejections: malformed JSON, a wrong content type, a body too large.
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) {
    return new ServiceError('invalid_request', {
      message: `The request is not valid: ${error.message}`,
      cause: error,
    });
  }
  return new ServiceError('internal', { cause: error });
}
