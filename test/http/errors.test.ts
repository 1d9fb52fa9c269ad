import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ERRORS, type ErrorCode, ServiceError } from '../../src/errors.ts';
import { buildTestApp, fakeExtractor, type TestApp } from '../helpers/app.ts';

let app: TestApp;

/** One service for all tests of a block. */
function shareApp(): void {
  beforeAll(async () => {
    app = await buildTestApp({ RATE_LIMIT_MAX: '0' });
  });
  afterAll(() => app.close());
}

const POST = 'https://www.tiktok.com/@user/video/7400000000000004242';

describe('an error of the extraction', () => {
  afterEach(() => app.close());

  it('is answered with its status, code and sentence, and shows nothing of its cause', async () => {
    let code: ErrorCode = 'busy';
    const cause = new Error('password=4711');
    const extractor = fakeExtractor(async () => {
      throw new ServiceError(code, { cause, ...(ERRORS[code].retryable && { retryAfter: 7 }) });
    });
    app = await buildTestApp({ CACHE_TTL: '0', RATE_LIMIT_MAX: '0' }, { extractor });
    for (code of Object.keys(ERRORS) as ErrorCode[]) {
      const { status, body, headers } = await app.post(POST);
      const { message, retryable } = ERRORS[code];
      expect([status, body.code, body.error, body.retryable]).toEqual([
        ERRORS[code].status,
        code,
        message,
        retryable,
      ]);
      expect(body.request_id).toBe(headers['x-request-id']);
      expect([body.retry_after, headers['retry-after']]).toEqual(
        retryable ? [7, '7'] : [undefined, undefined],
      );
      expect(headers['cache-control']).toBe('no-store');
      expect(JSON.stringify([body, headers])).not.toContain('4711');
    }
  });

  it('becomes internal where it is not of this service, and is logged with its stack', async () => {
    const extractor = fakeExtractor(async () => {
      throw new TypeError('x is not a function');
    });
    app = await buildTestApp({}, { extractor });
    const { status, body } = await app.post(POST);
    expect([status, body.code, body.error]).toEqual([500, 'internal', ERRORS.internal.message]);
    expect(app.log.filter(({ level }) => level === 50)).toEqual([
      expect.objectContaining({ msg: 'internal error', err: expect.objectContaining({ type: 'TypeError' }) }),
    ]);
  });
});

describe('a request without a route', () => {
  shareApp();

  it('is answered with 404, in the words that other services use, and not cached', async () => {
    const response = await app.server.inject({ method: 'POST', url: '/no/such/path?a=b' });
    expect(response.statusCode).toBe(404);
    expect(response.headers['cache-control']).toBe('no-store');
    expect(response.headers.allow).toBeUndefined();
    expect(response.json()).toEqual({
      error: 'Route not found',
      code: 'invalid_request',
      retryable: false,
      request_id: response.headers['x-request-id'],
    });
  });

  it.each([
    ['PUT', '/tiktok', 'GET, POST, OPTIONS'],
    ['POST', '/stream?data=x', 'GET, HEAD, OPTIONS'],
    ['DELETE', '/health', 'GET, HEAD, OPTIONS'],
    ['PUT', '/openapi.json', 'GET, HEAD, OPTIONS'],
  ])('is answered with 405 and Allow where the path has other methods: %s %s', async (method, url, allow) => {
    const response = await app.server.inject({ method: method as 'GET', url });
    expect([response.statusCode, response.headers.allow]).toEqual([405, allow]);
    expect(response.json()).toMatchObject({ code: 'invalid_request' });
  });
});

describe('a body that does not validate', () => {
  shareApp();

  it.each([[''], [null], [17], [undefined], [['https://www.tiktok.com/@a/video/1']]])(
    'names the field: url %j',
    async (url) => {
      const { status, body } = await app.post(url);
      expect([status, body.code]).toEqual([400, 'invalid_request']);
      expect(body.error).toContain('url');
    },
  );

  it('is an invalid request where it is not JSON', async () => {
    const response = await app.server.inject({
      method: 'POST',
      url: '/tiktok',
      headers: { 'content-type': 'application/json' },
      payload: '{"url":',
    });
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({ code: 'invalid_request', retryable: false });
  });

  it.each([
    'https://www.youtube.com/watch?v=1',
    'https://tiktok.com.evil.example/@a/video/1',
    'https://www.tiktok.com/@standin',
    'not a link',
    'javascript:alert(1)',
  ])('is unsupported_url where it has no link to a post: %s', async (url) => {
    const { status, body } = await app.post(url);
    expect([status, body.code]).toEqual([400, 'unsupported_url']);
  });
});
