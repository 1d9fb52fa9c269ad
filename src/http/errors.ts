import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
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
    ...(error.challenge && { challenge: error.challenge }),
    request_id: requestId,
  };
}

/** Turns every failure of a route, and every request without a route, into an error response. */
export function registerErrorHandlers(app: FastifyInstance): void {
  app.setErrorHandler(errorHandler(sendError));
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

/** An error handler for all routes, or for one that has errors of another shape. */
export function errorHandler(send: (reply: FastifyReply, error: ServiceError) => FastifyReply) {
  return (error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply =>
    error instanceof ClientDisconnected
      ? reply.code(CLIENT_CLOSED_REQUEST).send()
      : send(reply, knownError(request, error));
}

/** The error that a client gets; what it does not tell goes into the log. */
export function knownError(request: FastifyRequest, error: Error): ServiceError {
  const known = toServiceError(error);
  logFailure(request, known, error);
  return known;
}

/** The predecessors' scripts look for these very words. */
export function routeNotFound(reply: FastifyReply): FastifyReply {
  return sendError(reply, new ServiceError('invalid_request', { message: 'Route not found' }), 404);
}

export function sendError(
  reply: FastifyReply,
  error: ServiceError,
  status: number = error.status,
  body: object = errorBody(error, reply.request.id),
): FastifyReply {
  reply.request.outcome = { ...reply.request.outcome, code: error.code };
  if (error.retryAfter !== undefined) void reply.header('retry-after', error.retryAfter);
  return reply
    .code(status)
    .header('cache-control', 'no-store')
    .type('application/json; charset=utf-8')
    .send(JSON.stringify(body));
}

/** The error response for an error of a route, a plugin or Fastify. */
export function toServiceError(error: Error & Partial<FastifyError>): ServiceError {
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

function logFailure(request: FastifyRequest, known: ServiceError, error: Error): void {
  if (known.code === 'internal') request.log.error({ err: error }, 'internal error');
  request.outcome = {
    ...request.outcome,
    code: known.code,
    reason: known.cause instanceof Error ? known.cause.message : undefined,
  };
}
