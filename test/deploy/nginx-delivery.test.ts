import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { isMediaHost } from '../../src/cdn/index.ts';
import { type Behaviour, mp4Bytes, serve, status, Upstream } from '../cdn/fake-cdn.ts';
import { buildTestApp, fakeExtractor, postOf, type TestApp } from '../helpers/app.ts';
import { type Body, freePort } from '../helpers/service.ts';
import { type Nginx, nginxVersion, startNginx } from './nginx.ts';

const A = 'v16-webapp.tiktok.com';
const B = 'v19.tiktokcdn.com';
const N = 300_000;
const REFERER = 'https://www.tiktok.com/';
const file = mp4Bytes(N);
const DELIVERY = readFileSync(
  fileURLToPath(new URL('../../deploy/nginx/delivery.conf', import.meta.url)),
  'utf8',
);

let dir: string;
let upstream: Upstream;
let dns: UdpSocket;
let app: TestApp;
let nginx: Nginx;
/** What must never be asked. */
let inner: Server;
let innerUrl: string;
let asked = 0;
/** What the next extractions find: mirrors of the file. */
let extractions: string[][] = [];
let cookie: string | null = null;
let posts = 0;

/** Every name leads to 127.0.0.1 (RFC 1035 §4.1). */
async function startDns(): Promise<UdpSocket> {
  const socket = createSocket('udp4');
  socket.on('message', (query, { port, address }) => {
    const question = query.subarray(12, query.indexOf(0, 12) + 5);
    const head = Buffer.from([query[0] ?? 0, query[1] ?? 0, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
    const answer = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
    socket.send(Buffer.concat([head, question, answer]), port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}

/** Leads this process's connections to port 443 to the CDN of the test. */
function redirectHttps(port: number): void {
  const { connect } = Socket.prototype;
  vi.spyOn(Socket.prototype, 'connect').mockImplementation(function (this: Socket, ...args: unknown[]) {
    const [options, ...rest] = args as [{ port?: number | string }];
    const isHttps = Number(options?.port) === 443;
    const changed = isHttps ? { ...options, host: '127.0.0.1', port, lookup: undefined } : options;
    return Reflect.apply(connect, this, [changed, ...rest]) as Socket;
  });
}

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'delivery-'));
  upstream = await Upstream.start();
  const caFile = join(dir, 'ca.pem');
  writeFileSync(caFile, upstream.authority.caPem);
  redirectHttps(upstream.port);
  dns = await startDns();
  inner = createServer((_request, response) => {
    asked += 1;
    response.end('an inner secret');
  }).listen(0, '127.0.0.1');
  await once(inner, 'listening');
  innerUrl = `http://127.0.0.1:${(inner.address() as AddressInfo).port}/`;
  const port = await freePort();
  app = await buildTestApp(
    {
      BASE_URL: `http://127.0.0.1:${port}`,
      EXTRA_CA_CERTS: caFile,
      DELIVERY: 'nginx',
      TRUST_PROXY: 'loopback',
      RATE_LIMIT_MAX: '0',
      DOWNLOADS_PER_MINUTE: '0',
    },
    {
      extractor: fakeExtractor(async (link) => {
        const urls = (extractions.length > 1 ? extractions.shift() : extractions[0]) ?? [];
        const renditions = postOf(link).renditions.map((one) => ({ ...one, urls }));
        return postOf(link, { renditions, cookie });
      }),
    },
  );
  const instance = await app.listenAnywhere();
  nginx = await startNginx([instance.port], port, {
    dnsPort: dns.address().port,
    port: upstream.port,
    caFile,
  });
});

afterAll(async () => {
  await nginx?.stop();
  await app?.close();
  vi.restoreAllMocks();
  dns?.close();
  inner?.close();
  await upstream?.stop();
  rmSync(dir, { recursive: true, force: true });
});

afterEach(() => {
  upstream.reset();
  extractions = [];
  cookie = null;
  expect(asked, 'requests to an inner address').toBe(0);
});

/** The link of a new post whose file has these mirrors; after a new extraction, the next ones. */
async function linkTo(...found: string[][]): Promise<string> {
  extractions = found;
  posts += 1;
  const answer = await fetch(`${nginx.baseUrl}/tiktok`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      url: `https://www.tiktok.com/@a/video/${7_400_000_000_000_000_000n + BigInt(posts)}`,
    }),
  });
  const { download_link } = (await answer.json()) as Body;
  return String(download_link?.no_watermark);
}

interface Got {
  status: number;
  headers: Headers;
  body: Buffer;
  whole: boolean;
}

async function get(link: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Got> {
  const response = await fetch(link, { headers, method });
  const chunks: Uint8Array[] = [];
  let whole = true;
  try {
    for await (const chunk of response.body ?? []) chunks.push(chunk);
  } catch {
    whole = false;
  }
  return { status: response.status, headers: response.headers, body: Buffer.concat(chunks), whole };
}

/** Requests that reached the CDN from nginx, which says `Connection: close`. */
const ofNginx = () => upstream.seen.filter(({ headers }) => headers.connection === 'close');
const ofService = () => upstream.seen.filter(({ headers }) => headers.connection !== 'close');

/** Looks right to the service, then does this to nginx. */
const thenToNginx = (behaviour: Behaviour): Behaviour => {
  const fine = serve(file);
  return (req, res, seen) => (req.headers.connection === 'close' ? behaviour : fine)(req, res, seen);
};

describe.skipIf(nginxVersion() === null)('DELIVERY=nginx', () => {
  it('nginx fetches what the service has verified, with the service’s headers', async () => {
    upstream.script(A, serve(file, { headers: { 'set-cookie': 'a=b', 'x-accel-redirect': '/metrics' } }));
    cookie = 'tt_chain_token="a/b=="';
    const link = await linkTo([`https://${A}/video/1?tk=tt_chain_token&a=%2F%22&b=$x|'`]);
    const got = await get(link, { cookie: 'c=1', 'x-secret': 'client', referer: 'https://other.test/' });
    expect(got.body.equals(file)).toBe(true);
    expect(Object.fromEntries(got.headers)).toMatchObject({
      'content-type': 'video/mp4',
      'content-length': String(N),
      'accept-ranges': 'bytes',
      etag: expect.stringMatching(/^"[\w-]+"$/),
      'last-modified': 'Tue, 06 Jan 2026 08:00:00 GMT',
      'cache-control': 'private, max-age=0, must-revalidate',
      'content-disposition': expect.stringContaining('someone_74'),
      'x-filename': expect.stringContaining('someone_74'),
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringContaining("default-src 'none'"),
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'cross-origin',
      'access-control-allow-origin': '*',
      'access-control-expose-headers': expect.stringContaining('X-Filename'),
      'x-request-id': expect.stringMatching(/^[\w-]{8,}$/),
    });
    expect([...got.headers.keys()].filter((name) => /^x-(media|accel)|cookie/.test(name))).toEqual([]);
    const [probe] = ofService();
    const [fetched, ...more] = ofNginx();
    expect(more).toEqual([]);
    expect(probe?.headers.range).toMatch(/^bytes=0-\d{4}$/);
    expect(fetched?.path).toBe(probe?.path);
    expect(fetched?.headers).toEqual({
      host: A,
      connection: 'close',
      accept: '*/*',
      'accept-encoding': 'identity',
      'user-agent': probe?.headers['user-agent'],
      referer: REFERER,
      cookie,
    });
    expect(ofService()).toHaveLength(1);
  });

  it('20 streams at once are whole', async () => {
    upstream.script(A, serve(file));
    const link = await linkTo([`https://${A}/video/1`]);
    const all = await Promise.all(Array.from({ length: 20 }, () => get(link)));
    expect(all.filter(({ body }) => body.equals(file))).toHaveLength(20);
    expect(ofNginx()).toHaveLength(20);
  });

  it.each([
    ['bytes=100-199', 206, [100, 199]],
    ['bytes=0-', 206, [0, N - 1]],
    ['bytes=-500', 206, [N - 500, N - 1]],
    ['bytes=299999-', 206, [N - 1, N - 1]],
    ['bytes=0-1,5-6', 200, [0, N - 1]],
    ['bytes=300000-', 416, null],
  ] as const)('range %s: %i', async (range, expected, part) => {
    upstream.script(A, serve(file));
    const got = await get(await linkTo([`https://${A}/video/1`]), { range });
    expect(got.status).toBe(expected);
    if (part === null) {
      expect(got.headers.get('content-range')).toBe(`bytes */${N}`);
      return;
    }
    expect(got.body.equals(file.subarray(part[0], part[1] + 1))).toBe(true);
    const contentRange = expected === 206 ? `bytes ${part[0]}-${part[1]}/${N}` : null;
    expect(got.headers.get('content-range')).toBe(contentRange);
    expect(ofNginx()).toHaveLength(1);
  });

  it('conditions and HEAD are answered without nginx asking', async () => {
    upstream.script(A, serve(file));
    const link = await linkTo([`https://${A}/video/1`]);
    const head = await get(link, {}, 'HEAD');
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(N)]);
    const etag = head.headers.get('etag') ?? '';
    expect((await get(link, { 'if-none-match': etag })).status).toBe(304);
    expect((await get(link, { 'if-match': '"another"' })).status).toBe(412);
    expect(ofNginx()).toEqual([]);
    const stale = await get(link, { range: 'bytes=5-', 'if-range': '"another"' });
    expect([stale.status, stale.body.length]).toEqual([200, N]);
  });

  it('a refused mirror: nginx fetches the other one', async () => {
    upstream.script(A, status(403));
    upstream.script(B, serve(file));
    const got = await get(await linkTo([`https://${A}/video/1`, `https://${B}/video/1`]));
    expect(got.body.equals(file)).toBe(true);
    expect(ofNginx().map(({ host }) => host)).toEqual([B]);
  });

  it('a redirect that the service has followed: nginx fetches its target', async () => {
    upstream.script(A, status(302, { location: `https://${B}/video/2` }));
    upstream.script(B, serve(file));
    cookie = 'tt_chain_token=a';
    const got = await get(await linkTo([`https://${A}/video/1?tk=tt_chain_token`]));
    expect(got.body.equals(file)).toBe(true);
    expect(ofNginx().map(({ host, path, headers }) => [host, path, headers.cookie])).toEqual([
      [B, '/video/2', undefined],
    ]);
  });

  it.each([
    ['dies', status(403)],
    ['is gone', status(410)],
    ['breaks', status(500)],
    ['redirects to a media host', status(302, { location: `https://${B}/x` })],
    ['closes the connection', ((_req, res) => void res.socket?.destroy()) as Behaviour],
  ] as const)('a link that %s after the check: the service relays a new one', async (_what, behaviour) => {
    const dead: Behaviour = (req, res, seen) =>
      (ofNginx().length > 0 ? behaviour : thenToNginx(behaviour))(req, res, seen);
    upstream.script(A, dead);
    upstream.script(B, serve(file));
    const got = await get(await linkTo([`https://${A}/video/1`], [`https://${B}/video/2`]));
    expect([got.status, got.body.equals(file), got.headers.get('content-length')]).toEqual([
      200,
      true,
      String(N),
    ]);
    expect(got.headers.get('etag')).toMatch(/^"/);
    expect(ofService().at(-1)?.host).toBe(B);
  });

  it('nothing works any more: the service’s error', async () => {
    upstream.script(A, thenToNginx(status(403)), status(403));
    const got = await get(await linkTo([`https://${A}/video/1`]));
    expect([got.status, JSON.parse(String(got.body)).code]).toEqual([502, 'upstream_failed']);
  });

  it('a body that breaks is resumed by the client’s next range', async () => {
    upstream.script(A, thenToNginx(serve(file, { cutAfter: 100_000 })));
    const link = await linkTo([`https://${A}/video/1`]);
    const cut = await get(link);
    expect([cut.status, cut.whole, cut.headers.get('content-length')]).toEqual([200, false, String(N)]);
    const { length } = cut.body;
    expect(length).toBeGreaterThan(0);
    upstream.script(A, serve(file));
    const rest = await get(link, {
      range: `bytes=${length}-`,
      'if-range': cut.headers.get('etag') ?? '',
    });
    expect(rest.status).toBe(206);
    expect(Buffer.concat([cut.body, rest.body]).equals(file)).toBe(true);
  });

  it('a redirect to an inner address is never followed', async () => {
    upstream.script(A, thenToNginx(status(302, { location: innerUrl })), status(302, { location: innerUrl }));
    const got = await get(await linkTo([`https://${A}/video/1`]));
    expect([got.status, got.headers.get('location')]).toEqual([502, null]);
    expect(ofNginx()).toHaveLength(1);
  });

  it('headers and paths of a client change nothing', async () => {
    upstream.script(A, serve(file));
    const link = await linkTo([`https://${A}/video/1`]);
    const forged = {
      'x-accel-redirect': '/-/media',
      'x-media-link': innerUrl,
      'x-media-cookie': 'a=b',
      'x-media-range': 'bytes=0-0',
      'x-media-delivery': 'relay',
    };
    expect((await get(link, forged)).body.equals(file)).toBe(true);
    expect(ofNginx()[0]?.headers.cookie).toBeUndefined();
    for (const path of ['/-/media', '/-/media?x', '/%2d/media', '/-//media', '/tiktok/../-/media']) {
      expect((await get(`${nginx.baseUrl}${path}`, forged)).status, path).toBe(404);
    }
    expect(ofNginx()).toHaveLength(1);
  });

  it('nobody but a trusted proxy learns where a file is', async () => {
    upstream.script(A, serve(file));
    const { pathname, search } = new URL(await linkTo([`https://${A}/video/1`]));
    const url = `${pathname}${search}`;
    const headers = { 'x-media-delivery': 'nginx' };
    const stranger = await app.server.inject({ url, headers, remoteAddress: '192.0.2.1' });
    expect([stranger.rawPayload.equals(file), stranger.headers['x-media-link']]).toEqual([true, undefined]);
    const unasked = await app.server.inject({ url, remoteAddress: '127.0.0.1' });
    expect([unasked.rawPayload.equals(file), unasked.headers['x-media-link']]).toEqual([true, undefined]);
    const front = await app.server.inject({ url, headers, remoteAddress: '127.0.0.1' });
    expect([front.rawPayload.length, front.headers['x-media-link']]).toEqual([0, `https://${A}/video/1`]);
  });

  it.each([
    ['a line break', 'tt_chain_token=a\r\nX-Evil: 1'],
    ['two cookies', 'tt_chain_token=a; admin=1'],
    ['a space', 'tt_chain_token=a b'],
    ['another alphabet', 'tt_chain_token=ä'],
  ])('a cookie with %s is not sent', async (_what, value) => {
    upstream.script(A, serve(file));
    cookie = value;
    const got = await get(await linkTo([`https://${A}/video/1?tk=tt_chain_token`]));
    expect(got.body.equals(file)).toBe(true);
    expect(ofNginx()[0]?.headers).not.toHaveProperty('x-evil');
    expect(ofNginx()[0]?.headers.cookie).toBeUndefined();
  });

  it.each([
    '/video/1?a=%0d%0aX-Evil:%201',
    '/video/1?a=\r\nX-Evil: 1',
    '/video/1 HTTP/1.1\r\nHost: evil.test\r\n\r\n',
    '/video/"; return 200 "$request_id";#{}',
    '/%2e%2e/%2f//a/../b?x=$media_cookie{}#fragment',
    '/ü?ü',
  ])('the path %j reaches the CDN as the service asks for it', async (path) => {
    upstream.script(A, serve(file));
    const got = await get(await linkTo([`https://${A}${path}`]));
    expect(got.body.equals(file)).toBe(true);
    expect(ofNginx().map((seen) => [seen.path, seen.host])).toEqual([[ofService()[0]?.path, A]]);
    expect(ofNginx()[0]?.headers).not.toHaveProperty('x-evil');
  });
});

describe.skipIf(nginxVersion() === null)('nginx checks the host as well', () => {
  it.each([
    'https://127.0.0.1/x',
    'https://evil.test/x',
    'https://tiktokcdn.com.evil.test/x',
    'https://eviltiktokcdn.com/x',
    'https://v19.tiktokcdn.com@evil.test/x',
    'https://v19.tiktokcdn.com:8443/x',
    'https://v19.tiktokcdn.com\\@evil.test/x',
    'http://v19.tiktokcdn.com/x',
    'https://v19.tiktokcdn.com',
    'https://other.akamaized.net/x',
    'https://v19.tiktokcdn.com/x y',
    // The right domain, without a certificate for it.
    'https://v19.muscdn.com/x',
    '',
  ])('%j is never asked for', async (link) => {
    const offers: unknown[] = [];
    const instance = createServer((request, response) => {
      const offered = request.headers['x-media-delivery'];
      if (request.url?.startsWith('/stream')) offers.push(offered);
      if (offered) response.writeHead(200, { 'x-accel-redirect': '/-/media', 'x-media-link': link }).end();
      else response.end('relayed');
    }).listen(0, '127.0.0.1');
    await once(instance, 'listening');
    const cdn = { dnsPort: dns.address().port, port: upstream.port, caFile: join(dir, 'ca.pem') };
    const front = await startNginx([(instance.address() as AddressInfo).port], undefined, cdn);
    try {
      const before = upstream.seen.length;
      expect(String((await get(`${front.baseUrl}/stream?data=1`)).body)).toBe('relayed');
      expect(upstream.seen.length).toBe(before);
      expect(offers).toEqual(['nginx', undefined]);
    } finally {
      await front.stop();
      instance.closeAllConnections();
      instance.close();
    }
  });

  it('by the same list', () => {
    const source = readFileSync(fileURLToPath(new URL('../../src/cdn/hosts.ts', import.meta.url)), 'utf8');
    const hosts = [...source.matchAll(/^ {2}'([a-z0-9.-]+)',/gm)].map(([, host = '']) => host);
    const pattern = /\(\?x\)(\^https[^"]*)"/.exec(DELIVERY)?.[1]?.replaceAll(/\s+/g, '') ?? '';
    const [, domains = '', ofAkamai = ''] = /\*\(\?:([^)]*)\)\|\(\?:([^)]*)\)/.exec(pattern) ?? [];
    const named = [
      ...domains.split('|').map((domain) => domain.replace('\\.', '.')),
      ...ofAkamai.split('|').map((host) => `${host}.akamaized.net`),
    ];
    expect(named.sort()).toEqual(hosts.sort());
    for (const host of hosts) {
      for (const one of [host, `a-1.b.${host}`, `x${host}`, `${host}.x`]) {
        expect([one, new RegExp(pattern).test(`https://${one}/x`)]).toEqual([one, isMediaHost(one)]);
      }
    }
  });
});
