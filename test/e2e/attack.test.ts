import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pythonTree } from '../helpers/processes.ts';
import { type Service, startService } from '../helpers/service.ts';
import { photoPost, type Standin, startStandin, videoPost } from '../helpers/standin/index.ts';

/** Bytes that no honest client sends, on raw sockets. Each is rejected, and the service goes on. */

let standin: Standin;
let service: Service;
let child: number | undefined;
let port: number;
/** 100 senders that never finish; they send while the other tests run. */
let slowSenders: Promise<Unfinished[]>;

beforeAll(async () => {
  standin = await startStandin();
  service = await startService(standin, { MAX_WORKERS: '1' });
  port = Number(new URL(service.baseUrl).port);
  await service.post(standin.posts.add(videoPost()).url);
  [child] = pythonTree(service.pid).children;
  slowSenders = startSlowSenders();
});

afterAll(async () => {
  // No process crashed.
  expect((await service.post(standin.posts.add(videoPost()).url)).status).toBe(200);
  expect(pythonTree(service.pid).children).toEqual([child]);
  expect(service.log.filter(({ level }) => level === 60)).toEqual([]);
  await service.stop();
  await standin.close();
});

async function open(): Promise<{ socket: Socket; received: () => string; closed: Promise<void> }> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  let received = '';
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1');
  });
  socket.on('error', () => {});
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  return { socket, received: () => received, closed };
}

/** Sends bytes and returns what came back until the other side closed, or was silent. */
async function raw(bytes: string | Buffer, silenceMs = 400): Promise<string> {
  const { socket, received, closed } = await open();
  socket.write(bytes);
  let before = -1;
  const silence = async () => {
    const limit = Date.now() + 10_000;
    while ((before !== received().length || before === 0) && Date.now() < limit) {
      before = received().length;
      await sleep(silenceMs);
    }
  };
  await Promise.race([closed, silence()]);
  socket.destroy();
  return received();
}

const statuses = (answer: string) =>
  [...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));
const head = (answer: string) => answer.split('\r\n\r\n', 1)[0]?.toLowerCase() ?? '';
const bodyOf = (answer: string) => answer.slice(answer.indexOf('\r\n\r\n') + 4);

function request(line: string, headers: string[] = [], body = ''): string {
  return [line, 'Host: x', 'Connection: close', ...headers, '', body].join('\r\n');
}

function posted(body: string, headers: string[] = ['Content-Type: application/json']): string {
  return request('POST /tiktok HTTP/1.1', [...headers, `Content-Length: ${Buffer.byteLength(body)}`], body);
}

/** An error response with the headers of every response, and nothing internal. */
function expectRejection(answer: string, status: number | number[], code = 'invalid_request'): void {
  const allowed = [status].flat();
  expect(allowed, answer.slice(0, 300)).toContain(statuses(answer)[0]);
  expect(statuses(answer)).toHaveLength(1);
  expect(JSON.parse(bodyOf(answer))).toMatchObject({
    code,
    retryable: false,
    request_id: expect.any(String),
  });
  expectGuarded(answer);
}

function expectGuarded(answer: string): void {
  const lines = head(answer).split('\r\n');
  const of = (name: string) =>
    lines.filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2));
  expect(of('x-content-type-options')).toEqual(['nosniff']);
  expect(of('content-security-policy')).toHaveLength(1);
  expect(of('content-security-policy')[0]).toMatch(/^default-src '(none|self)'/);
  expect(of('referrer-policy')).toHaveLength(1);
  expect(of('cross-origin-resource-policy')).toHaveLength(1);
  expect(answer).not.toMatch(/node_modules|\bat .+\.js:\d|file:\/\/|dist\/|server: |x-powered-by/i);
}

const URL_OF_POST = 'https://www.tiktok.com/@a/video/7400000000000007777';

/** What a sender gets that never finishes a request, and when. */
interface Unfinished {
  tookMs: number;
  received: string;
}

/** Heads, bodies and chunks that arrive a byte a second, and connections without a byte: 25 of each. */
function startSlowSenders(): Promise<Unfinished[]> {
  const post = 'POST /tiktok HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';
  const kinds: [start: string, more: string][] = [
    ['', ''],
    ['GET /health HTTP/1.1\r\nHost: x\r\n', 'X-A: b\r\n'],
    [`${post}Content-Length: 1000\r\n\r\n{`, ' '],
    [`${post}Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n`, '1\r\n \r\n'],
  ];
  const began = Date.now();
  const send = async ([start, more]: [string, string]): Promise<Unfinished> => {
    const sender = await open();
    sender.socket.write(start);
    const timer = setInterval(() => more !== '' && sender.socket.write(more), 1000);
    await sender.closed;
    clearInterval(timer);
    return { tookMs: Date.now() - began, received: sender.received() };
  };
  return Promise.all(kinds.flatMap((kind) => Array.from({ length: 25 }, () => send(kind))));
}

describe('bodies', () => {
  it.for<[string, string, number, string?]>([
    ['too large', posted(JSON.stringify({ url: 'x'.repeat(20_000) })), 400],
    ['a text too long', posted(JSON.stringify({ url: 'x'.repeat(5000) })), 400],
    ['__proto__', posted(`{"__proto__":{"isAdmin":true},"url":"${URL_OF_POST}"}`), 400],
    [
      'constructor.prototype',
      posted(`{"constructor":{"prototype":{"isAdmin":true}},"url":"${URL_OF_POST}"}`),
      400,
    ],
    ['__proto__ as the body', posted('{"__proto__":null}'), 400],
    ['deep arrays', posted(`{"url":${'['.repeat(7000)}${']'.repeat(7000)}}`), 400],
    ['deep objects', posted(`${'{"a":'.repeat(2700)}1${'}'.repeat(2700)}`), 400],
    ['no JSON', posted('{"url":'), 400],
    ['an empty one', posted(''), 400],
    ['null', posted('null'), 400],
    ['an array', posted(`["${URL_OF_POST}"]`), 400],
    ['a string', posted(`"${URL_OF_POST}"`), 400],
    ['a byte order mark', posted(`\uFEFF{"url":7}`), 400],
    [
      'XML',
      posted('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', [
        'Content-Type: application/xml',
      ]),
      400,
    ],
    ['multipart', posted('--x\r\n\r\n', ['Content-Type: multipart/form-data; boundary=x']), 400],
    ['no type', posted(`{"url":"${URL_OF_POST}"}`, []), 400],
    ['a type that is none', posted('{}', ['Content-Type: ,;=']), 400],
    ['compressed', posted('\x1f\x8b\x08', ['Content-Type: application/json', 'Content-Encoding: gzip']), 400],
    [
      'a link in disguise',
      posted('{"url":"https://www.tiktok.com@evil.example/@a/video/1"}'),
      400,
      'unsupported_url',
    ],
    ['a file', posted('{"url":"file:///etc/passwd"}'), 400, 'unsupported_url'],
    [
      'the cloud’s metadata',
      posted('{"url":"http://169.254.169.254/latest/meta-data/"}'),
      400,
      'unsupported_url',
    ],
    [
      'an option for yt-dlp',
      posted('{"url":"--exec=id https://www.tiktok.com.evil.example/video/1"}'),
      400,
      'unsupported_url',
    ],
  ])('are rejected: %s', async ([, bytes, status, code]) => {
    expectRejection(await raw(bytes), status, code);
  });

  it('are rejected: not UTF-8', async () => {
    const body = Buffer.concat([
      Buffer.from('{"url":"'),
      Buffer.from([0xff, 0xfe, 0xc0, 0x80]),
      Buffer.from('"}'),
    ]);
    const start = request('POST /tiktok HTTP/1.1', [
      'Content-Type: application/json',
      `Content-Length: ${body.length}`,
    ]);
    expectRejection(await raw(Buffer.concat([Buffer.from(start), body])), 400, 'unsupported_url');
  });

  it('pollute no prototype', async () => {
    await raw(posted('{"__proto__":{"status":"down"},"constructor":{"prototype":{"retryable":true}}}'));
    const health = (await (await fetch(`${service.baseUrl}/health`)).json()) as { status: string };
    expect(['ok', 'degraded']).toContain(health.status);
    expectRejection(await raw(posted('{}')), 400);
  });
});

describe('requests', () => {
  it.for<[string, string, number[]]>([
    ['a head of 64 KB', request('GET /health HTTP/1.1', [`X-A: ${'a'.repeat(65_000)}`]), [431]],
    ['a path of 32 KB', request(`GET /${'a'.repeat(32_000)} HTTP/1.1`), [431]],
    [
      'thousands of headers',
      request(
        'GET /health HTTP/1.1',
        Array.from({ length: 3000 }, (_, i) => `A${i}: b`),
      ),
      [431],
    ],
    [
      'both lengths (CL and TE)',
      request('POST /tiktok HTTP/1.1', ['Content-Length: 6', 'Transfer-Encoding: chunked'], '0\r\n\r\nX'),
      [400],
    ],
    [
      'two lengths',
      request('POST /tiktok HTTP/1.1', ['Content-Length: 5', 'Content-Length: 6'], 'abcdef'),
      [400],
    ],
    ['a length that is none', request('POST /tiktok HTTP/1.1', ['Content-Length: 5, 6'], 'abcdef'), [400]],
    ['a negative length', request('POST /tiktok HTTP/1.1', ['Content-Length: -5'], 'abcdef'), [400]],
    ['TE in disguise', request('POST /tiktok HTTP/1.1', ['Transfer-Encoding : chunked'], '0\r\n\r\n'), [400]],
    [
      'TE of two kinds',
      request('POST /tiktok HTTP/1.1', ['Transfer-Encoding: chunked, identity'], '0\r\n\r\n'),
      [400],
    ],
    [
      'chunks of no size',
      request(
        'POST /tiktok HTTP/1.1',
        ['Content-Type: application/json', 'Transfer-Encoding: chunked'],
        'zz\r\n{}\r\n0\r\n\r\n',
      ),
      [400],
    ],
    ['a folded header', 'GET /health HTTP/1.1\r\nHost: x\r\nA: b\r\n c: d\r\n\r\n', [400, 200]],
    ['a lone line feed', 'GET /health HTTP/1.1\nHost: x\n\n', [400]],
    ['a zero in a header', 'GET /health HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n', [400]],
    ['no host', 'GET /health HTTP/1.1\r\n\r\n', [400]],
    ['two hosts', request('GET /health HTTP/1.1', ['Host: evil.example']), [400]],
    ['a host in the target', request('GET http://x/health/live HTTP/1.1'), [200]],
    ['another host in the target', request('GET http://evil.example/health HTTP/1.1'), [400]],
    ['an expectation', request('GET /health/live HTTP/1.1', ['Expect: the best']), [200]],
    ['OPTIONS of no preflight', request('OPTIONS /tiktok HTTP/1.1'), [204]],
    ['HTTP/0.9', 'GET /health\r\n\r\n', [200, 400]],
    ['HTTP/3.0', 'GET /health HTTP/3.0\r\nHost: x\r\n\r\n', [400, 505]],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', [400]],
    ['noise', '\x00\x01\x02\r\n\r\n', [400]],
    ['TRACE', request('TRACE / HTTP/1.1'), [400, 404, 405]],
    ['a method nobody knows', request('BREW /coffee HTTP/1.1'), [400]],
    ['PUT', request('PUT /tiktok HTTP/1.1', ['Content-Length: 0']), [404, 405]],
    ['a path that cannot be decoded', request('GET /%zz%ff HTTP/1.1'), [400, 404]],
    ['a path out of the root', request('GET /../../../../etc/passwd HTTP/1.1'), [404]],
    ['… encoded', request('GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1'), [404]],
    ['… of the documents', request('GET /docs/static/..%2f..%2f..%2fpackage.json HTTP/1.1'), [404]],
    ['… with backslashes', request('GET /docs/static/..\\..\\..\\package.json HTTP/1.1'), [400, 404]],
    ['a zero in the path', request('GET /docs/static/%00 HTTP/1.1'), [400, 404]],
    ['two slashes', request('GET //health HTTP/1.1'), [404]],
    ['a token twice', request('GET /stream?data=a&data=b HTTP/1.1'), [400]],
    ['a token as an object', request('GET /stream?data[a]=b&__proto__[x]=y HTTP/1.1'), [400]],
    ['a query of 12 KB', request(`GET /stream?data=${'a'.repeat(12_000)} HTTP/1.1`), [400]],
    [
      'a thousand parameters',
      request(`GET /stream?${Array.from({ length: 1000 }, (_, i) => `p${i}=1`).join('&')} HTTP/1.1`),
      [400],
    ],
  ])('are rejected, or answered once: %s', async ([, bytes, allowed]) => {
    const answer = await raw(bytes);
    if ([200, 204].includes(statuses(answer)[0] ?? 0)) expectGuarded(answer);
    else expectRejection(answer, allowed);
    expect(allowed).toContain(statuses(answer)[0]);
    expect(statuses(answer)).toHaveLength(1);
  });

  it('cannot CONNECT to anywhere', async () => {
    const answer = await raw('CONNECT www.tiktok.com:443 HTTP/1.1\r\nHost: www.tiktok.com:443\r\n\r\n');
    expect(answer).not.toMatch(/ 200 /);
  });

  it('get HTTP/1.1, or nothing, where they ask for an upgrade', async () => {
    for (const upgrade of ['websocket', 'h2c']) {
      const answer = await raw(
        `GET /health HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: ${upgrade}\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n`,
      );
      expect(answer).not.toMatch(/HTTP\/1\.1 101/);
    }
  });

  it('are not answered where they are smuggled in the body of another', async () => {
    const inner = 'GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n';
    const answer = await raw(
      `GET /health/live HTTP/1.1\r\nHost: x\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`,
      800,
    );
    expect(statuses(answer)).toEqual([200]);
    expect(answer).not.toContain('openapi');
  });
});

describe('headers', () => {
  it.each([
    'short',
    'a'.repeat(65),
    'with space in it',
    'semi;colon=12345',
    '<script>alert(1)</script>',
    'ÄÖÜ-ÄÖÜ-ÄÖÜ',
  ])('replace the X-Request-Id %s', async (id) => {
    const answer = await raw(request('GET /nothing HTTP/1.1', [`X-Request-Id: ${id}`]));
    expect(head(answer)).toMatch(/x-request-id: [\da-f-]{36}/);
    expect(answer).not.toContain(id);
  });

  it('keep a good X-Request-Id, once', async () => {
    const answer = await raw(request('GET /nothing HTTP/1.1', ['X-Request-Id: trace-4711.a_b']));
    expect(head(answer).match(/x-request-id: .*/g)).toEqual(['x-request-id: trace-4711.a_b']);
  });

  it('cannot change a link by a forged Host or X-Forwarded-Host', async () => {
    const forged = [
      'X-Forwarded-Host: evil.example',
      'X-Forwarded-Proto: gopher',
      'Forwarded: host=evil.example',
    ];
    const body = JSON.stringify({ url: URL_OF_POST });
    const bytes = request(
      'POST /tiktok HTTP/1.1',
      ['Content-Type: application/json', ...forged, `Content-Length: ${body.length}`],
      body,
    );
    const answer = await raw(bytes.replace('Host: x', 'Host: evil.example'), 1500);
    expect(statuses(answer)).toEqual([200]);
    expect(answer).not.toContain('evil.example');
    expect(answer).toContain(service.baseUrl);
  });

  it('of a download have nothing of what the author writes', async () => {
    const evil = 'a\r\nSet-Cookie: x=1\r\n\r\n<script>"; filename=evil.exe; \u202Egpj.';
    const post = standin.posts.add(
      photoPost({ photos: 1, user: 'nice.one', nickname: evil, desc: evil, musicTitle: evil }),
    );
    const { body } = await service.post(post.url);
    const links = [body.download_link?.no_watermark, body.download_link?.zip, body.download_link?.mp3].flat();
    expect(links).toHaveLength(3);
    for (const link of links) {
      const { pathname, search } = new URL(String(link));
      const answer = await raw(request(`HEAD ${pathname}${search} HTTP/1.1`), 1500);
      expect(statuses(answer), answer).toEqual([200]);
      expect(answer).not.toMatch(/set-cookie|script|evil\.exe/i);
      expectGuarded(answer);
    }
  });
});

describe('every kind of response', () => {
  it.each([
    '/',
    '/health',
    '/health/live',
    '/health/ready',
    '/metrics',
    '/docs',
    '/docs/',
    '/openapi.json',
    '/nothing',
    '/stream',
    '/download?data=x',
    '/download-slideshow/progress?url=x',
    '/favicon.ico',
    '/manifest.webmanifest',
    '/sw.js',
  ])('has the security headers, once each: %s', async (path) => {
    const answer = await raw(request(`GET ${path} HTTP/1.1`));
    expect(statuses(answer)).toHaveLength(1);
    expectGuarded(answer);
  });

  it('has the security headers: a slideshow, and its progress', async () => {
    const post = standin.posts.add(photoPost({ photos: 1 }));
    const { body } = await service.post(post.url);
    const { search } = new URL(String(body.download_slideshow_link));
    const progress = raw(request(`GET /download-slideshow/progress${search} HTTP/1.1`), 3000);
    const slideshow = await raw(request(`GET /download-slideshow${search} HTTP/1.1`), 5000);
    expect(statuses(slideshow)).toEqual([200]);
    expectGuarded(slideshow.split('\r\n\r\n', 1)[0] ?? '');
    expectGuarded(await progress);
  });
});

describe('senders that never finish a request', () => {
  it('are disconnected in time, with 408 where they sent anything; the tests above were served all the while', async () => {
    const senders = await slowSenders;
    // 15 s for a request, checked every 2.5 s, and room for a busy machine.
    expect(Math.max(...senders.map(({ tookMs }) => tookMs))).toBeLessThan(30_000);
    for (const { received } of senders) if (received !== '') expect(statuses(received)).toEqual([408]);
  });
});
