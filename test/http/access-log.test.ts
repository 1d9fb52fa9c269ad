import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { buildTestApp, fakeExtractor, postOf, type TestApp } from '../helpers/app.ts';
import { until } from '../helpers/processes.ts';

let app: TestApp;

afterEach(() => app.close());

const POST = 'https://www.tiktok.com/@user/video/7400000000000004242';
const lines = () => app.log.filter(({ msg }) => msg === 'request');

async function counted(status: number): Promise<string[]> {
  const { payload } = await app.server.inject('/metrics');
  return payload
    .split('\n')
    .filter((line) => line.startsWith('tiktok_http_requests_total') && line.includes(`status="${status}"`));
}

/** Sends POST /tiktok and closes the connection when told. */
function postAndLeave(url: string): () => void {
  const call = request(`${url}/tiktok`, {
    method: 'POST',
    agent: false,
    headers: { 'content-type': 'application/json' },
  });
  call.on('error', () => {});
  call.end(JSON.stringify({ url: POST }));
  return () => call.destroy();
}

describe('the access log', () => {
  it('has one line for each request: status, time, bytes, and the client as a network', async () => {
    app = await buildTestApp({ TRUST_PROXY: 'true' });
    await app.post(POST, { 'x-request-id': 'request-1', 'x-forwarded-for': '203.0.113.77' });
    await app.post(POST, { 'x-request-id': 'request-2', 'x-forwarded-for': '2001:db8:aaaa:bbbb::1' });
    await app.post('nothing', { 'x-forwarded-for': 'somebody' });
    expect(lines()).toEqual([
      expect.objectContaining({
        level: 30,
        reqId: 'request-1',
        method: 'POST',
        path: '/tiktok',
        status: 200,
        post: 'tiktok:7400000000000004242',
        cached: false,
        ms: expect.any(Number),
        firstByteMs: expect.any(Number),
        client: '203.0.113.0/24',
      }),
      expect.objectContaining({ reqId: 'request-2', cached: true, client: '2001:db8:aaaa::/48' }),
      expect.objectContaining({ status: 400, code: 'unsupported_url', client: 'unknown' }),
    ]);
    expect(lines()[0]).not.toHaveProperty('aborted');
  });

  it('has the path without the query, and shortens it', async () => {
    app = await buildTestApp();
    await app.server.inject(`/${'a'.repeat(500)}?token=secret`);
    expect(lines()).toEqual([expect.objectContaining({ path: `/${'a'.repeat(199)}`, status: 404 })]);
    expect(JSON.stringify(app.log)).not.toContain('secret');
  });

  it.each([
    ['GET', '/%zz', 400],
    ['GET', '/nothing', 404],
    ['PUT', '/tiktok', 405],
  ] as const)(
    'has a line with the code where no route takes the request: %s %s',
    async (method, url, status) => {
      app = await buildTestApp();
      await app.server.inject({ method, url });
      expect(lines()).toEqual([expect.objectContaining({ status, code: 'invalid_request' })]);
    },
  );

  it('counts the bytes of a response', async () => {
    app = await buildTestApp();
    const { url } = await app.listenAnywhere();
    const body = await (await fetch(`${url}/openapi.json`)).text();
    expect(await until(() => lines().length > 0, 2000)).toBe(true);
    const { bytes } = lines()[0] as { bytes: number };
    expect(bytes).toBeGreaterThan(body.length);
    expect(bytes).toBeLessThan(body.length + 2000);
  });

  it('says 499 and client_gone where the client disconnects before the response, and no error', async () => {
    const extractor = fakeExtractor(
      (_link, { signal }) =>
        new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
    );
    app = await buildTestApp({}, { extractor });
    const { url } = await app.listenAnywhere();
    const leave = postAndLeave(url);
    expect(await until(() => app.server.activeRequests.size > 0, 2000)).toBe(true);
    leave();
    expect(await until(() => lines().length > 0, 2000)).toBe(true);
    expect(lines()).toEqual([
      expect.objectContaining({
        level: 30,
        status: 499,
        code: 'client_gone',
        aborted: true,
        path: '/tiktok',
      }),
    ]);
    expect(app.log.filter(({ level }) => Number(level) >= 40)).toEqual([]);
    expect(await counted(499)).toEqual([
      'tiktok_http_requests_total{method="POST",route="/tiktok",status="499",code="client_gone"} 1',
    ]);
  });

  it('has a line for a progress stream, when it ends', async () => {
    const photo = { kind: 'photo', photos: [{ urls: ['https://p16-sign.tiktokcdn-us.com/1'] }] };
    app = await buildTestApp({}, { extractor: fakeExtractor(async (link) => postOf(link, photo as never)) });
    const { url } = await app.listenAnywhere();
    const { body } = await app.post(POST);
    const { search } = new URL(String(body.download_slideshow_link));
    const leaving = new AbortController();
    const response = await fetch(`${url}/download-slideshow/progress${search}`, { signal: leaving.signal });
    await response.body?.getReader().read();
    const ofStream = () => lines().filter(({ path }) => path === '/download-slideshow/progress');
    expect(ofStream()).toEqual([]);
    leaving.abort();
    expect(await until(() => ofStream().length > 0, 2000)).toBe(true);
    expect(ofStream()).toEqual([
      expect.objectContaining({ status: 200, aborted: true, code: 'client_gone', bytes: expect.any(Number) }),
    ]);
  });

  it('has successful requests of monitoring at debug only', async () => {
    app = await buildTestApp({ LOG_LEVEL: 'debug' });
    for (const path of ['/health', '/health/live', '/health/ready', '/metrics'])
      await app.server.inject(path);
    expect(lines().map(({ level }) => level)).toEqual([20, 20, 20, 20]);
  });
});

describe('the controllers of requests', () => {
  it('are gone where the client disconnected during a hook', async () => {
    app = await buildTestApp();
    let inHook = false;
    let leftHook = false;
    app.server.addHook('preHandler', async ({ method }, { raw }) => {
      if (method !== 'GET') return;
      inHook = true;
      await until(() => raw.destroyed, 2000);
      leftHook = true;
    });
    const { body } = await app.post(POST);
    const { url } = await app.listenAnywhere();
    const { pathname, search } = new URL(String(body.download_link?.no_watermark));
    const call = request(url + pathname + search, { agent: false });
    call.on('error', () => {});
    call.end();
    await until(() => inHook, 2000);
    call.destroy();
    await until(() => leftHook, 2000);
    expect(await until(() => lines().length > 1, 2000)).toBe(true);
    expect(app.server.activeRequests.size).toBe(0);
  });
});

describe('bytes that are no whole HTTP request', () => {
  const POST_HEAD = 'POST /tiktok HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';
  const invalid = { status: 400, code: 'invalid_request' };

  it.each([
    ['nonsense', 'nonsense\r\n\r\n', invalid],
    ['a part of a head', 'GET / HTTP/1.1\r\nHo', invalid],
    ['CONNECT', 'CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n', { ...invalid, status: 405 }],
    [
      'a part of a body',
      `${POST_HEAD}Content-Length: 50\r\n\r\n{`,
      { method: 'POST', path: '/tiktok', status: 499, code: 'client_gone', aborted: true },
    ],
    [
      'a broken body',
      `${POST_HEAD}Transfer-Encoding: chunked\r\n\r\nZZ\r\n`,
      { ...invalid, method: 'POST', path: '/tiktok', reason: 'HPE_INVALID_CHUNK_SIZE' },
    ],
  ])('have one line and one count: %s', async (_what, bytes, line) => {
    app = await buildTestApp();
    const { port } = await app.listenAnywhere();
    const socket = connect(port, '127.0.0.1');
    let received = '';
    socket.on('data', (chunk) => {
      received += String(chunk);
    });
    socket.on('error', () => {});
    socket.end(bytes);
    await once(socket, 'close');
    expect(await until(() => lines().length > 0, 2000)).toBe(true);
    expect(lines()).toEqual([expect.objectContaining({ ...line, client: '127.0.0.0/24' })]);
    const { reqId, status } = lines()[0] as { reqId: string; status: number };
    expect(await counted(status)).toEqual([expect.stringMatching(/ 1$/)]);
    if (status !== 499) {
      expect(received).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
      expect(received).toContain(`"request_id":"${reqId}"`);
    }
  });
});
