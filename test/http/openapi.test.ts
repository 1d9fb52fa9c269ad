/** The document against the running service: what it says is what comes. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import {
  DownloaderError,
  fetchPost,
  linksOf,
  type PhotoPost,
  type Video,
} from '../../docs/examples/client.ts';
import { ERRORS } from '../../src/errors.ts';
import type { postResponse } from '../../src/http/schemas/post.ts';
import { type Service, startService } from '../helpers/service.ts';
import { SCENARIOS, type Standin, scenario, startStandin } from '../helpers/standin/index.ts';

type Schema = Parameters<typeof z.fromJSONSchema>[0];

interface Answer {
  description: string;
  content?: Record<
    string,
    { schema: Schema; example?: unknown; examples?: Record<string, { value: unknown }> }
  >;
}

interface Operation {
  summary?: string;
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, Answer>;
}

let standin: Standin;
let service: Service;
let paths: Record<string, Record<string, Operation>>;

beforeAll(async () => {
  standin = await startStandin();
  service = await startService(standin, { MAX_WORKERS: '4', YTDLP_TIMEOUT: '4' });
  const response = await fetch(`${service.baseUrl}/openapi.json`);
  const document = (await response.json()) as { openapi: string; paths: typeof paths };
  expect(document.openapi).toBe('3.1.0');
  paths = document.paths;
});

afterAll(async () => {
  await service.stop();
  await standin.close();
});

function documented(method: string, path: string, status: number): Answer {
  const answer = paths[path]?.[method.toLowerCase()]?.responses[status];
  if (!answer) throw new Error(`${method} ${path} answers ${status}, which is not in the document`);
  return answer;
}

/** Asks, and holds status, media type and body against the document. */
async function call(method: string, target: string, init: RequestInit = {}): Promise<Response> {
  const response = await fetch(new URL(target, service.baseUrl), { method, ...init });
  const answer = documented(method, new URL(response.url).pathname, response.status);
  const type = response.headers.get('content-type')?.split(';')[0] ?? '';
  const bytes = await response.clone().arrayBuffer();
  if (bytes.byteLength === 0) return response;
  const content = answer.content?.[type];
  if (!content) throw new Error(`${method} ${target} sends ${type}, which is not in the document`);
  if (type === 'application/json') {
    z.fromJSONSchema(content.schema).parse(JSON.parse(Buffer.from(bytes).toString()));
  }
  return response;
}

const ask = (url: unknown) =>
  call('POST', '/tiktok', { headers: { 'content-type': 'application/json' }, body: JSON.stringify({ url }) });

describe('every answer is as the document says', () => {
  const some = SCENARIOS.filter(({ url, name }) => !url.includes('douyin.com') && !/MiB|dripping/.test(name));

  it.for(some)('POST /tiktok: $name', async ({ url }) => {
    await ask(url);
  });

  it.each([[''], [null], [17], [['x']], [{ url: 'x' }], ['x'.repeat(5000)], ['https://example.com/']])(
    'POST /tiktok with %j',
    async (url) => {
      expect((await ask(url)).status).toBe(400);
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

  it('files: whole, in part, unchanged, beyond the end, and only their headers', async () => {
    const video = (await fetchPost(service.baseUrl, scenario('video').url)) as Video;
    const link = video.download_link.no_watermark ?? '';
    const whole = await call('GET', link);
    expect(whole.status).toBe(200);
    const etag = whole.headers.get('etag') ?? '';
    expect((await call('GET', link, { headers: { range: 'bytes=0-99' } })).status).toBe(206);
    expect((await call('GET', link, { headers: { 'if-none-match': etag } })).status).toBe(304);
    expect((await call('GET', link, { headers: { range: 'bytes=999999999-' } })).status).toBe(416);
    expect((await call('HEAD', link)).status).toBe(200);
    expect((await call('GET', video.download_link.mp3 ?? '')).status).toBe(200);
  });

  it.each(['/health', '/health/live', '/health/ready', '/metrics'])('GET %s', async (path) => {
    expect((await call('GET', path)).status).toBe(200);
  });
});

describe('the document', () => {
  const operations = () =>
    Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
    );

  it('has all routes of the contract', () => {
    expect(Object.keys(paths).sort()).toEqual(
      expect.arrayContaining([
        '/download',
        '/download-slideshow',
        '/download-slideshow/progress',
        '/health',
        '/health/live',
        '/health/ready',
        '/metrics',
        '/stream',
        '/tiktok',
      ]),
    );
  });

  it('says of each what it is for and what it answers', () => {
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

  it('shows a video and a photo post as the service sends them, field by field', async () => {
    const { content } = documented('POST', '/tiktok', 200);
    const shown = Object.values(content?.['application/json']?.examples ?? {}).map(({ value }) => value);
    const sent = await Promise.all(
      [scenario('video').url, scenario('photos, 3').url].map((url) => fetchPost(service.baseUrl, url)),
    );
    expect(shown.map(keysOf)).toEqual(sent.map(keysOf));
  });
});

/** Of JSON they stand beside the schema, of text in it; OpenAPI 3.1 has both. */
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

/** Of an answer's own fields: what is listed in arrays may be none. */
function keysOf(answer: unknown): string[] {
  return Object.entries(answer as object)
    .flatMap(([key, value]) =>
      ['author', 'statistics'].includes(key) ? Object.keys(value).map((inner) => `${key}.${inner}`) : [key],
    )
    .sort();
}

describe('a method that a route does not have', () => {
  it.each([
    ['GET', '/tiktok', 'POST, OPTIONS'],
    ['POST', '/stream?data=x', 'GET, HEAD, OPTIONS'],
    ['DELETE', '/health', 'GET, HEAD, OPTIONS'],
    ['PUT', '/openapi.json', 'GET, HEAD, OPTIONS'],
  ])('%s %s is answered with 405 and the ones it has', async (method, path, allow) => {
    const answer = await fetch(service.baseUrl + path, { method });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, allow]);
    expect(await answer.json()).toMatchObject({ code: 'invalid_request' });
  });

  it('is told from a path that there is not', async () => {
    const answer = await fetch(`${service.baseUrl}/no/such/path`, { method: 'POST' });
    expect([answer.status, answer.headers.get('allow')]).toEqual([404, null]);
  });

  it('leaves uptime monitors their HEAD', async () => {
    for (const path of ['/health', '/health/live', '/health/ready']) {
      expect((await fetch(service.baseUrl + path, { method: 'HEAD' })).status).toBe(200);
    }
  });
});

describe('the client of the docs', () => {
  it('has the types of the service', () => {
    expectTypeOf<z.infer<typeof postResponse>>().toExtend<Video | PhotoPost>();
    const source = readFileSync(
      fileURLToPath(new URL('../../docs/examples/client.ts', import.meta.url)),
      'utf8',
    );
    expect(source).not.toMatch(/from '/);
  });

  it('fetches posts, and tells why there is none', async () => {
    const video = await fetchPost(service.baseUrl, scenario('video').url);
    expect(linksOf(video)).toHaveLength(3);
    const photos = await fetchPost(service.baseUrl, `Look: ${scenario('photos, 3').url} !`);
    expect(linksOf(photos)).toHaveLength(4);
    const failed = fetchPost(service.baseUrl, scenario('unknown id').url);
    await expect(failed).rejects.toThrow(DownloaderError);
    await expect(failed).rejects.toMatchObject({ code: 'post_not_found', retryable: false });
  });
});
