/** One kind of failure that a client can see. */
interface ErrorKind {
  status: number;
  /** Whether the same request may succeed later without anything being changed. */
  retryable: boolean;
  /** Sentence for a person, where the failing code has no better one. */
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
  link_expired: { status: 410, retryable: false, message: 'This link has expired. Request the post again.' },
  not_a_photo_post: { status: 400, retryable: false, message: 'Only a photo post can become a slideshow.' },
  post_not_found: { status: 404, retryable: false, message: 'This post does not exist or was deleted.' },
  post_private: { status: 403, retryable: false, message: 'This post or its account is private.' },
  login_required: {
    status: 403,
    retryable: false,
    message: 'TikTok shows this post to logged-in users only.',
  },
  not_allowed: {
    status: 403,
    retryable: false,
    message: 'The operator of this service does not allow this.',
  },
  unauthorized: { status: 401, retryable: false, message: 'This service wants an API key.' },
  region_blocked: {
    status: 451,
    retryable: false,
    message: "This post is not available in the server's region.",
  },
  ip_blocked: {
    status: 503,
    retryable: true,
    message: 'TikTok is blocking this server for now. Try again later.',
  },
  extractor_outdated: {
    status: 502,
    retryable: false,
    message: 'TikTok has changed its pages. The service needs an update.',
  },
  upstream_failed: { status: 502, retryable: true, message: 'TikTok or its media server failed.' },
  timeout: { status: 504, retryable: true, message: 'TikTok did not answer in time.' },
  busy: { status: 503, retryable: true, message: 'The server is busy. Try again in a moment.' },
  rate_limited: { status: 429, retryable: true, message: 'Too many requests. Try again in a moment.' },
  render_failed: { status: 500, retryable: false, message: 'The file could not be rendered.' },
  internal: { status: 500, retryable: false, message: 'Something went wrong inside the server.' },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERRORS;

/** Codes that an extraction can fail with. */
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

/** A proof of work that stands for an API key. */
export interface Challenge {
  token: string;
  salt: string;
  /** SHA-256 of the salt and the number that is searched, in hexadecimal digits. */
  target: string;
  /** The number is below. */
  max: number;
}

interface ServiceErrorOptions {
  /** Public sentence; the code's own where absent. It must say nothing internal. */
  message?: string;
  /** Seconds after which trying again makes sense. */
  retryAfter?: number;
  /** The original error; for the log only. */
  cause?: unknown;
  /** Of `unauthorized`: what may be solved instead. */
  challenge?: Challenge;
}

/** An error with a public code. Anything else that a route throws becomes `internal`. */
export class ServiceError extends Error {
  readonly code: ErrorCode;
  readonly retryAfter: number | undefined;
  readonly challenge: Challenge | undefined;

  constructor(code: ErrorCode, options: ServiceErrorOptions = {}) {
    super(options.message ?? ERRORS[code].message, { cause: options.cause });
    this.name = 'ServiceError';
    this.code = code;
    this.retryAfter = options.retryAfter;
    this.challenge = options.challenge;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }
}
