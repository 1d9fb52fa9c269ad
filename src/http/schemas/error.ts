import { z } from 'zod';
import { ERRORS, type ErrorCode } from '../../errors.ts';
import { challenge } from './access.ts';

export const errorResponse = z.object({
  error: z.string().meta({ description: 'A sentence for a person.' }),
  code: z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]),
  retryable: z.boolean().meta({ description: 'Whether the same request may succeed later.' }),
  retry_after: z
    .number()
    .int()
    .min(0)
    .optional()
    .meta({ description: 'Seconds, where waiting helps; also the header Retry-After.' }),
  challenge: challenge.optional(),
  request_id: z.string(),
});

/** The error responses of a route: one for each HTTP status, with an example for each code. */
export function errorResponses(...codes: ErrorCode[]): Record<number, z.ZodType> {
  const statuses = [...new Set(codes.map((code) => ERRORS[code].status))];
  return Object.fromEntries(
    statuses.map((status) => {
      const sameStatus = codes.filter((code) => ERRORS[code].status === status);
      const description = sameStatus.map((code) => `\`${code}\`: ${ERRORS[code].message}`).join(' ');
      return [status, errorResponse.meta({ description, examples: sameStatus.map(errorExample) })];
    }),
  );
}

/** `retry_after` of the examples, in seconds. */
const RETRY_AFTER_EXAMPLES: Partial<Record<ErrorCode, number>> = {
  rate_limited: 42,
  busy: 5,
  ip_blocked: 60,
};

export function errorExample(code: ErrorCode) {
  const { message, retryable } = ERRORS[code];
  const retry_after = RETRY_AFTER_EXAMPLES[code];
  const wait = retry_after === undefined ? {} : { retry_after };
  return { error: message, code, retryable, ...wait, request_id: '0190d2a4-7c3e-4b7e-9f43-5d6f0a1b2c3d' };
}
