import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../helpers/processes.ts';
import { CLIENT_HEADER, type Nginx, nginxVersion, startNginx } from './nginx.ts';

type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void;

/** An instance that responds as the current test says, and records its requests. */
class Instance {
  readonly server: Server;
  readonly asked: { url: string; headers: IncomingMessage['headers']; body: string }[] = [];
  answer: Answer = fine;

  constructor() {
    this.server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += String(chunk);
      });
      request.on('end', () => {
        this.asked.push({ url: request.url ?? '', headers: request.headers, body });
        this.answer(request, response, body);
      });
    });
  }

  async listen(): Promise<number> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    const address = this.server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return address.port;
  }
}

const fine: Answer = (_request, response) => {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ padding: 'x'.repeat(2000) }));
};
const status =
  (code: number): Answer =>
  (_request, response) => {
    response.statusCode = code;
    response.end('{"code":"from the instance"}');
  };
const reset: Answer = (request) => request.socket.destroy();

const instances = [new Instance(), new Instance(), new Instance()];
let nginx: Nginx;
let clients = 0;

/** An address that no request has had. */
const newClient = () => `198.51.${Math.floor(++clients / 250)}.${clients % 250}`;

function ask(path: string, init: RequestInit = {}, client = newClient()): Promise<Response> {
  return fetch(`${nginx.baseUrl}${path}`, { ...init, headers: { ...init.headers, [CLIENT_HEADER]: client } });
}

const post = (body = '{"url":"x"}', client?: string) => ask('/tiktok', { method: 'POST', body }, client);

function all(answer: Answer): void {
  for (const instance of instances) {
    instance.answer = answer;
    instance.asked.length = 0;
  }
}

/** Sets the response of the instance that is asked first, whichever it is. */
function firstAsked(answer: Answer): void {
  let first = true;
  all((request, response, body) => {
    const mine = first;
    first = false;
    (mine ? answer : fine)(request, response, body);
  });
}

const asked = () => instances.flatMap((instance) => instance.asked);

describe.skipIf(nginxVersion() === null)('deploy/nginx/nginx.conf', () => {
  beforeAll(async () => {
    nginx = await startNginx(await Promise.all(instances.map((instance) => instance.listen())));
  });

  afterAll(async () => {
    await nginx.stop();
    for (const { server } of instances) {
      server.closeAllConnections();
      server.close();
    }
  });

  it.each([502, 503, 504])('sends POST /tiktok to another instance after a %i', async (code) => {
    firstAsked(status(code));
    const body = '{"url":"the whole body arrives twice"}';
    const answer = await post(body);
    expect(answer.status).toBe(200);
    expect(asked().map((one) => one.body)).toEqual([body, body]);
  });

  it.each(['/tiktok/batch', '/api/', '/api'])(
    'sends POST %s to another instance after a 503',
    async (path) => {
      firstAsked(status(503));
      expect((await ask(path, { method: 'POST', body: '{}' })).status).toBe(200);
      expect(asked()).toHaveLength(2);
    },
  );

  it('sends POST /tiktok to another instance after a reset', async () => {
    firstAsked(reset);
    expect((await post()).status).toBe(200);
    expect(asked()).toHaveLength(2);
  });

  it('asks three instances at most and passes the last response on', async () => {
    all(status(503));
    const answer = await post();
    expect([answer.status, await answer.text()]).toEqual([503, '{"code":"from the instance"}']);
    expect(instances.map((instance) => instance.asked.length)).toEqual([1, 1, 1]);
  });

  it.each([400, 403, 404, 429, 451, 500])('passes a %i on unchanged', async (code) => {
    all(status(code));
    const answer = await post();
    expect([answer.status, await answer.text()]).toEqual([code, '{"code":"from the instance"}']);
    expect(asked()).toHaveLength(1);
  });

  it('still asks every instance after many failures', async () => {
    all(status(502));
    for (let i = 0; i < 40; i++) await (await post()).text();
    all(fine);
    for (let i = 0; i < 9; i++) expect((await post()).status).toBe(200);
    expect(instances.every((instance) => instance.asked.length > 0)).toBe(true);
  });

  it.each([
    ['/download?data=x', 503, 2],
    ['/stream?data=x', 503, 2],
    ['/download-slideshow?url=x', 503, 2],
    ['/download?data=x', 502, 1],
    ['/download?data=x', 504, 1],
  ])('GET %s after a %i: instances asked: %i', async (path, code, count) => {
    firstAsked(status(code));
    const answer = await ask(path);
    await answer.text();
    expect(answer.status).toBe(count === 2 ? 200 : code);
    expect(asked()).toHaveLength(count);
  });

  it('asks one instance for a slideshow and its progress', async () => {
    all(fine);
    const used = new Set<number>();
    for (let link = 0; link < 12; link++) {
      for (const path of ['/download-slideshow', '/download-slideshow/progress', '/download-slideshow']) {
        await (await ask(`${path}?url=link-${link}`)).text();
      }
      const counts = instances.map(
        (instance) => instance.asked.filter((one) => one.url.endsWith(`=link-${link}`)).length,
      );
      expect(counts.sort()).toEqual([0, 0, 3]);
      used.add(
        instances.findIndex((instance) => instance.asked.some((one) => one.url.endsWith(`=link-${link}`))),
      );
    }
    expect(used.size).toBeGreaterThan(1);
  });

  it('sends the client’s address, whatever the client claims', async () => {
    all(fine);
    await ask(
      '/',
      { headers: { 'x-forwarded-for': '203.0.113.9', 'x-forwarded-proto': 'https' } },
      '198.51.100.77',
    );
    expect(asked()[0]?.headers).toMatchObject({
      'x-forwarded-for': '198.51.100.77',
      'x-forwarded-proto': 'http',
    });
  });

  it('keeps a valid request id and replaces others', async () => {
    const arrivesAs = async (id: string) => {
      all(fine);
      await ask('/', { headers: { 'x-request-id': id } });
      return asked().map((one) => one.headers['x-request-id']);
    };
    const made = [expect.stringMatching(/^[0-9a-f]{32}$/)];
    expect(await arrivesAs('trace-4711.a_b')).toEqual(['trace-4711.a_b']);
    expect(await arrivesAs('short')).toEqual(made);
    expect(await arrivesAs('no spaces, please')).toEqual(made);
  });

  it('limits POST /tiktok for each client, with the service’s JSON', async () => {
    all(fine);
    const flood = await Promise.all(Array.from({ length: 300 }, () => post('{}', '192.0.2.1')));
    const refused = flood.filter((answer) => answer.status === 429);
    expect(refused.length).toBeGreaterThan(0);
    expect(flood.length - refused.length).toBeGreaterThanOrEqual(60);
    expect(asked()).toHaveLength(flood.length - refused.length);
    const id = refused[0]?.headers.get('x-request-id');
    expect(refused[0]?.headers.get('retry-after')).toBe('5');
    expect(refused[0]?.headers.get('access-control-allow-origin')).toBe('*');
    expect(await refused[0]?.json()).toEqual({
      error: expect.any(String),
      code: 'rate_limited',
      retryable: true,
      retry_after: 5,
      request_id: id,
    });
    expect((await post('{}', '192.0.2.2')).status).toBe(200);
  });

  it('counts an IPv6 /64 as one client', async () => {
    all(fine);
    const from = (network: number) => (_: unknown, i: number) =>
      post('{}', `2001:db8:0:${network}::${(i + 1).toString(16)}`);
    const flood = await Promise.all(Array.from({ length: 300 }, from(1)));
    expect(flood.some((answer) => answer.status === 429)).toBe(true);
    expect((await post('{}', '2001:db8:0:2::1')).status).toBe(200);
  });

  it('limits the simultaneous transfers of one client', async () => {
    const open: ServerResponse[] = [];
    all((_request, response) => {
      response.write('a first byte');
      open.push(response);
    });
    const transfers = await Promise.all(
      Array.from({ length: 70 }, () => ask('/stream?data=x', {}, '192.0.2.3')),
    );
    expect(transfers.filter((answer) => answer.status === 200)).toHaveLength(64);
    expect(transfers.filter((answer) => answer.status === 429)).toHaveLength(6);
    expect((await ask('/stream?data=x', {}, '192.0.2.4')).status).toBe(200);
    for (const response of open) response.end();
    await Promise.all(transfers.map((answer) => answer.arrayBuffer()));
  });

  it('rejects a large body with the service’s JSON', async () => {
    all(fine);
    const answer = await post('x'.repeat(17 * 1024));
    expect(answer.status).toBe(413);
    expect(await answer.json()).toMatchObject({ code: 'invalid_request', retryable: false });
    expect(asked()).toHaveLength(0);
  });

  it('answers a malformed request and a long link with the service’s JSON', async () => {
    const invalid = { code: 'invalid_request', retryable: false, request_id: expect.any(String) };
    const long = await ask(`/stream?data=${'x'.repeat(9000)}`);
    expect([long.status, await long.json()]).toEqual([400, expect.objectContaining(invalid)]);
    const header = await ask('/', { headers: { 'x-large': 'x'.repeat(9000) } });
    expect([header.status, await header.json()]).toEqual([400, expect.objectContaining(invalid)]);
  });

  it('does not log successful probes', async () => {
    all(fine);
    await ask('/health/ready');
    all(status(503));
    await ask('/health/live');
    await ask('/health');
    const lines = () => nginx.log().map(({ request }) => request);
    expect(await until(() => lines().includes('GET /health'), 5000)).toBe(true);
    expect(lines()).not.toContain('GET /health/ready');
    expect(lines()).toContain('GET /health/live');
  });

  it('answers 404 for /metrics', async () => {
    all(fine);
    expect((await ask('/metrics')).status).toBe(404);
    expect(asked()).toHaveLength(0);
  });

  it.each([
    ['application/json', 'gzip'],
    ['text/html', 'gzip'],
    ['video/mp4', null],
    ['image/jpeg', null],
  ])('%s: content-encoding %s', async (type, encoding) => {
    all((_request, response) => response.setHeader('content-type', type).end('x'.repeat(4000)));
    const answer = await ask('/', { headers: { 'accept-encoding': 'gzip' } });
    expect(answer.headers.get('content-encoding')).toBe(encoding);
    expect(await answer.text()).toHaveLength(4000);
  });

  it('passes every byte on at once', async () => {
    let more: ServerResponse | null = null;
    all((_request, response) => {
      response.setHeader('content-type', 'video/mp4').write('first');
      more = response;
    });
    const reader = (await ask('/stream?data=x')).body?.getReader();
    const text = async () => Buffer.from((await reader?.read())?.value ?? []).toString();
    // The instance sends no more before this has arrived: a buffer would wait forever.
    expect(await text()).toBe('first');
    (more as ServerResponse | null)?.end('second');
    expect(await text()).toBe('second');
  });

  it('reads no more from an instance than the client reads', async () => {
    const size = 96 * 1024 * 1024;
    let taken = 0;
    let lastProgress = Date.now();
    all((_request, response) => {
      response.setHeader('content-length', size);
      const chunk = Buffer.alloc(256 * 1024);
      const write = () => {
        while (taken < size) {
          taken += chunk.length;
          lastProgress = Date.now();
          if (!response.write(chunk)) return response.once('drain', write);
        }
        return response.end();
      };
      write();
    });
    const leaving = new AbortController();
    const answer = await ask('/stream?data=x', { signal: leaving.signal });
    // The client reads no more: the sockets' buffers (some MB) fill, then it has to stop.
    await until(() => taken === size || Date.now() - lastProgress > 1000, 20_000);
    leaving.abort();
    expect(answer.status).toBe(200);
    expect(taken).toBeLessThan(size / 2);
  });

  it('logs no link', async () => {
    all(fine);
    await ask('/stream?data=SECRET-TOKEN');
    await ask('/download-slideshow?url=SECRET-TOKEN');
    // nginx logs after the response.
    const logged = (what: string) => nginx.log().some(({ request }) => request === `GET ${what}`);
    expect(await until(() => logged('/stream') && logged('/download-slideshow'), 5000)).toBe(true);
    expect(nginx.rawLog()).not.toContain('SECRET-TOKEN');
  });

  it('answers busy, as JSON, when no instance runs', async () => {
    for (const { server } of instances) {
      server.closeAllConnections();
      server.close();
    }
    const answer = await post();
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ code: 'busy', retryable: true, retry_after: 5 });
  });
});
