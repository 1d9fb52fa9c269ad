import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import type { PhotoPost, Video } from '../../docs/examples/client.ts';
import { ERRORS, type ErrorCode, EXTRACTION_ERRORS, ServiceError } from '../../src/errors.ts';
import type { postResponse } from '../../src/http/schemas/post.ts';
import { buildTestApp, fakeExtractor, postOf, type TestApp } from '../helpers/app.ts';
import { fetchAsDocumented, type Paths, type Schema } from '../helpers/openapi.ts';

/** The document against the running service: what it describes is what comes. */

let app: TestApp;
let base: string;
let paths: Paths;
/** How the next extraction ends. */
let outcome: 'video' | 'photo' | ErrorCode = 'video';

const PHOTO = {
  kind: 'photo',
  photos: [{ urls: ['https://p16-sign.tiktokcdn-us.com/1'], width: 1080, height: 1440 }],
};

beforeAll(async () => {
  const extractor = fakeExtractor(async (link) => {
    if (outcome === 'video') return postOf(link);
    if (outcome === 'photo') return postOf(link, PHOTO as never);
    throw new ServiceError(outcome, { ...(ERRORS[outcome].retryable && { retryAfter: 3 }) });
  });
  app = await buildTestApp({ CACHE_TTL: '0', RATE_LIMIT_MAX: '0', DIALECTS: 'cobalt,tikwm' }, { extractor });
  base = (await app.listenAnywhere()).url;
  const response = await fetch(`${base}/openapi.json`);
  const document = (await response.json()) as { openapi: string; paths: typeof paths };
  expect(document.openapi).toBe('3.1.0');
  paths = document.paths;
});

afterAll(() => app.close());

const call = (method: string, target: string, init: RequestInit = {}) =>
  fetchAsDocumented(paths, new URL(target, base), { method, ...init });

const post = (url: unknown) =>
  call('POST', '/tiktok', { headers: { 'content-type': 'application/json' }, body: JSON.stringify({ url }) });

const POST = 'https://www.tiktok.com/@user/video/7400000000000004242';

describe('every response is as the document says', () => {
  it.each(['video', 'photo'] as const)('POST /tiktok: %s', async (kind) => {
    outcome = kind;
    expect((await post(POST)).status).toBe(200);
  });

  it.each(EXTRACTION_ERRORS)('POST /tiktok: %s', async (code) => {
    outcome = code;
    expect((await post(POST)).status).toBe(ERRORS[code].status);
  });

  it('POST /tiktok/batch, as JSON and as lines', async () => {
    outcome = 'video';
    const body = JSON.stringify({ urls: [POST, 'nothing'] });
    const headers = { 'content-type': 'application/json' };
    expect((await call('POST', '/tiktok/batch', { headers, body })).status).toBe(200);
    const lines = { ...headers, accept: 'application/x-ndjson' };
    expect((await call('POST', '/tiktok/batch', { headers: lines, body })).status).toBe(200);
    expect((await call('POST', '/tiktok/batch', { headers, body: '{"urls": 1}' })).status).toBe(400);
  });

  it.each(['video', 'photo', ...EXTRACTION_ERRORS] as const)('POST / and /api/: %s', async (one) => {
    outcome = one;
    const body = JSON.stringify({ url: POST });
    const init = { headers: { 'content-type': 'application/json' }, body };
    const status = one === 'video' || one === 'photo' ? 200 : ERRORS[one].status;
    expect((await call('POST', '/', init)).status).toBe(status);
    expect((await call('POST', '/api/?hd=1', init)).status).toBe(200);
    expect((await call('GET', `/api/?url=${encodeURIComponent(POST)}`)).status).toBe(200);
  });

  it('GET /', async () => {
    expect((await call('GET', '/')).status).toBe(200);
  });

  it.each([[''], [null], [17], [['x']], [{ url: 'x' }], ['x'.repeat(5000)], ['https://example.com/']])(
    'POST /tiktok with %j',
    async (url) => {
      expect((await post(url)).status).toBe(400);
    },
  );

  it.each<[string, RequestInit]>([
    ['no body', {}],
    ['malformed JSON', { headers: { 'content-type': 'application/json' }, body: '{"url":' }],
    ['another content type', { headers: { 'content-type': 'text/plain' }, body: 'x' }],
    [
      'too much',
      { headers: { 'content-type': 'application/json' }, body: `{"url":"${'x'.repeat(50_000)}"}` },
    ],
  ])('POST /tiktok with %s', async (_, init) => {
    expect((await call('POST', '/tiktok', init)).status).toBe(400);
  });

  it.each(['/stream', '/download', '/download-slideshow', '/download-slideshow/progress'])(
    'GET %s without and with a wrong token',
    async (path) => {
      const name = path.startsWith('/download-slideshow') ? 'url' : 'data';
      for (const query of ['', `?${name}=`, `?${name}=wrong`, `?other=1`, `?${name}=${'A'.repeat(9000)}`]) {
        expect((await call('GET', path + query)).status).toBe(400);
      }
    },
  );

  it.each(['/stream?data=', '/download?data=', '/download-slideshow?url='])(
    'GET %s with a token longer than any request may be',
    async (path) => {
      expect((await call('GET', path + 'A'.repeat(20_000))).status).toBe(431);
    },
  );

  it.each(['/health', '/health/live', '/health/ready', '/metrics'])('GET %s', async (path) => {
    expect((await call('GET', path)).status).toBe(200);
  });
});

describe('the document', () => {
  const operations = () =>
    Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
    );

  it('has all routes', () => {
    expect(Object.keys(paths).sort()).toEqual(
      expect.arrayContaining([
        '/',
        '/api/',
        '/download',
        '/download-slideshow',
        '/download-slideshow/progress',
        '/health',
        '/health/live',
        '/health/ready',
        '/metrics',
        '/stream',
        '/tiktok',
        '/tiktok/batch',
      ]),
    );
  });

  it('has a summary and responses for each operation', () => {
    for (const { path, method, operation } of operations()) {
      expect([method, path, operation.summary]).toEqual([method, path, expect.any(String)]);
      expect(Object.keys(operation.responses)).toContain('200');
    }
  });

  it('has an example for each answer that is text or JSON, one for each error code, and each is valid', () => {
    const seen: string[] = [];
    for (const { path, method, operation } of operations()) {
      for (const [status, { description, content = {} }] of Object.entries(operation.responses)) {
        const where = `${method} ${path} ${status}`;
        expect([where, description]).toEqual([where, expect.stringMatching(/\w{3}/)]);
        for (const [type, { schema, example, examples = {} }] of Object.entries(content)) {
          if (isBinary(schema)) continue;
          const given = examplesOf(schema, example, examples);
          expect([where, type, given.length > 0]).toEqual([where, type, true]);
          for (const one of given) {
            z.fromJSONSchema(schema).parse(one);
            seen.push((one as { code?: string }).code ?? where);
          }
          const codes =
            Number(status) < 400 ? [] : [...description.matchAll(/`(\w+)`:/g)].map(([, it]) => it);
          expect(given.slice(0, codes.length)).toEqual(
            codes.map((code) => expect.objectContaining({ code })),
          );
        }
      }
    }
    expect([...new Set(seen)]).toEqual(
      expect.arrayContaining([
        ...Object.keys(ERRORS),
        'post /tiktok 200',
        'get /health 503',
        'get /metrics 200',
      ]),
    );
  });
});

/** Examples of JSON are beside the schema, of text in it; OpenAPI 3.1 has both. */
function examplesOf(
  schema: Schema,
  example: unknown,
  examples: Record<string, { value: unknown }>,
): unknown[] {
  if (example !== undefined) return [example];
  const inSchema = typeof schema === 'object' && Array.isArray(schema.examples) ? schema.examples : [];
  return [...Object.values(examples).map(({ value }) => value), ...inSchema];
}

function isBinary(schema: Schema): boolean {
  return typeof schema === 'object' && schema.format === 'binary';
}

describe('the document of a service that does not answer everybody', () => {
  const folder = mkdtempSync(join(tmpdir(), 'document-'));
  const keys = join(folder, 'api-keys.json');
  writeFileSync(keys, '{}');

  afterAll(() => rmSync(folder, { recursive: true }));

  it.each<[env: Record<string, string>, security: string[]]>([
    [{}, ['']],
    [{ API_KEYS_PATH: keys }, ['apiKey', 'bearer', '']],
    [{ API_KEYS_PATH: keys, REQUIRE_KEY: 'true' }, ['apiKey', 'bearer']],
    [{ API_KEYS_PATH: keys, BOT_CHECK: 'pow' }, ['apiKey', 'bearer', 'session']],
  ])('says what %j wants before posts, and describes the answer without it', async (env, security) => {
    const own = await buildTestApp(env);
    try {
      const { url } = await own.listenAnywhere();
      const document = (await (await fetch(`${url}/openapi.json`)).json()) as {
        paths: Paths;
        components: { securitySchemes: Record<string, unknown> };
      };
      for (const method of ['post', 'get']) {
        const wanted = document.paths['/tiktok']?.[method]?.security ?? [];
        expect(wanted.map((one) => Object.keys(one).join())).toEqual(security);
        for (const name of security.filter(Boolean)) {
          expect(document.components.securitySchemes).toHaveProperty(name);
        }
      }
      const target = new URL(`/tiktok?url=${encodeURIComponent(POST)}`, url);
      const { status } = await fetchAsDocumented(document.paths, target);
      expect(status).toBe(security.includes('') ? 200 : 401);
    } finally {
      await own.close();
    }
  });
});

describe('the client of the docs', () => {
  it('has the types of the service, and imports nothing', () => {
    expectTypeOf<z.infer<typeof postResponse>>().toExtend<Video | PhotoPost>();
    const source = readFileSync(
      fileURLToPath(new URL('../../docs/examples/client.ts', import.meta.url)),
      'utf8',
    );
    expect(source).not.toMatch(/from '/);
  });
});
