/** One kind of failure that a client can see: CONTRACT §6, as one table. */
interface ErrorKind {
  status: number;
  /** Whether the same request may succeed later without anything being changed. */
  retryable: boolean;
  /** What a person reads when the code that failed has nothing better to say. */
  message: string;
}

export const ERRORS = {
  invalid_request: { status: 400, retryable: false, message: 'The request is not valid.' },
  unsupported_url: {
    status: 400,
    retryable: false,
    message: 'This is not a link to a TikTok or Douyin post.',
  },
  link_invalid: { status: 400, retryable: false, message: 'This link was not made by this server.' },
  link_expired: { status: 410, retryable: false, message: 'This link has expired. Ask for the post again.' },
  not_a_photo_post: { status: 400, retryable: false, message: 'Only a photo post can become a slideshow.' },
  post_not_found: { status: 404, retryable: false, message: 'This post does not exist or was deleted.' },
  post_private: { status: 403, retryable: false, message: 'This post or its account is private.' },
  login_required: {
    status: 403,
    retryable: false,
    message: 'TikTok shows this post only to people who are logged in.',
  },
  region_blocked: {
    status: 451,
    retryable: false,
    message: 'This post is withheld where this server stands.',
  },
  ip_blocked: { status: 503, retryable: true, message: 'TikTok refuses the address of this server for now.' },
  extractor_outdated: {
    status: 502,
    retryable: false,
    message: 'TikTok changed its page; the service needs an update.',
  },
  upstream_failed: { status: 502, retryable: true, message: 'TikTok or its media server failed.' },
  timeout: { status: 504, retryable: true, message: 'TikTok did not answer in time.' },
  busy: { status: 503, retryable: true, message: 'The server has too much to do. Try again in a moment.' },
  rate_limited: { status: 429, retryable: true, message: 'Too many requests. Slow down, please.' },
  render_failed: { status: 500, retryable: false, message: 'The file could not be rendered.' },
  internal: { status: 500, retryable: false, message: 'Something went wrong inside the server.' },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERRORS;

/** What an extraction can end with, apart from well. */
export const EXTRACTION_ERRORS = [
  'post_not_found',
  'post_private',
  'login_required',
  'region_blocked',
  'ip_blocked',
  'extractor_outdated',
  'upstream_failed',
  'timeout',
  'busy',
  'internal',
] as const satisfies readonly ErrorCode[];

interface ServiceErrorOptions {
  /** Public sentence; the kind's own when absent. Never put anything internal here. */
  message?: string;
  /** Seconds after which trying again makes sense. */
  retryAfter?: number;
  /** What really happened; for the log only. */
  cause?: unknown;
}

/** An error with a code of the contract. Everything thrown at a route that is not one becomes `internal`. */
export class ServiceError extends Error {
  readonly code: ErrorCode;
  readonly retryAfter: number | undefined;

  constructor(code: ErrorCode, options: ServiceErrorOptions = {}) {
    super(options.message ?? ERRORS[code].message, { cause: options.cause });
    this.name = 'ServiceError';
    this.code = code;
    this.retryAfter = options.retryAfter;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }
}
