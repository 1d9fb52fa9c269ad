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
import type { postAnswer } from '../../src/http/answers.ts';
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
    expect((await call('GET', video.download_link.mp3)).status).toBe(200);
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

  it('has an example for each error, and each is valid', () => {
    let seen = 0;
    for (const { path, operation } of operations()) {
      for (const [status, { content }] of Object.entries(operation.responses)) {
        const json = content?.['application/json'];
        if (!json || Number(status) < 400 || path.startsWith('/health')) continue;
        const several = Object.values(json.examples ?? {}).map(({ value }) => value);
        const examples = json.example === undefined ? several : [json.example];
        expect([path, status, examples.length > 0]).toEqual([path, status, true]);
        for (const example of examples) {
          z.fromJSONSchema(json.schema).parse(example);
          seen += 1;
        }
      }
    }
    expect(seen).toBeGreaterThan(30);
  });
});

describe('the client of the docs', () => {
  it('has the types of the service', () => {
    expectTypeOf<z.infer<typeof postAnswer>>().toExtend<Video | PhotoPost>();
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
