import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../helpers/processes.ts';
import { CLIENT_HEADER, type Nginx, nginxVersion, startNginx } from './nginx.ts';

type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void;

/** Scripted instances: each answers as the test at hand says, and remembers what it was asked. */
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
let visitors = 0;

/** An address that nobody used so far. */
const visitor = () => `198.51.${Math.floor(++visitors / 250)}.${visitors % 250}`;

function ask(path: string, init: RequestInit = {}, client = visitor()): Promise<Response> {
  return fetch(`${nginx.baseUrl}${path}`, { ...init, headers: { ...init.headers, [CLIENT_HEADER]: client } });
}

const post = (body = '{"url":"x"}', client?: string) => ask('/tiktok', { method: 'POST', body }, client);

function all(answer: Answer): void {
  for (const instance of instances) {
    instance.answer = answer;
    instance.asked.length = 0;
  }
}

/** The instance that is asked first answers so, whichever that is; the others as usual. */
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

  it('sends POST /tiktok to another instance after a reset', async () => {
    firstAsked(reset);
    expect((await post()).status).toBe(200);
    expect(asked()).toHaveLength(2);
  });

  it('asks three instances at most and passes the last one’s own answer on', async () => {
    all(status(503));
    const answer = await post();
    expect([answer.status, await answer.text()]).toEqual([503, '{"code":"from the instance"}']);
    expect(instances.map((instance) => instance.asked.length)).toEqual([1, 1, 1]);
  });

  it.each([400, 403, 404, 429, 451, 500])('leaves a %i as it is', async (code) => {
    all(status(code));
    const answer = await post();
    expect([answer.status, await answer.text()]).toEqual([code, '{"code":"from the instance"}']);
    expect(asked()).toHaveLength(1);
  });

  it('still asks every instance after a storm of failures', async () => {
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

  it('asks one and the same instance for a film and its progress', async () => {
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

  it('tells the instance who asks, whatever he claims', async () => {
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

  it('keeps a good request id and replaces others', async () => {
    // Any of the instances may be the one that is asked next: one request, one look.
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

  it('limits POST /tiktok for each visitor, in the service’s own words', async () => {
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

  it('counts an IPv6 network as one visitor', async () => {
    all(fine);
    const from = (network: number) => (_: unknown, i: number) =>
      post('{}', `2001:db8:0:${network}::${(i + 1).toString(16)}`);
    const flood = await Promise.all(Array.from({ length: 300 }, from(1)));
    expect(flood.some((answer) => answer.status === 429)).toBe(true);
    expect((await post('{}', '2001:db8:0:2::1')).status).toBe(200);
  });

  it('limits transfers of one visitor at a time', async () => {
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

  it('refuses a large body as the service would', async () => {
    all(fine);
    const answer = await post('x'.repeat(17 * 1024));
    expect(answer.status).toBe(413);
    expect(await answer.json()).toMatchObject({ code: 'invalid_request', retryable: false });
    expect(asked()).toHaveLength(0);
  });

  it('keeps the instances’ metrics to itself', async () => {
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

  it('passes on every byte as it comes', async () => {
    let more: ServerResponse | null = null;
    all((_request, response) => {
      response.setHeader('content-type', 'video/mp4').write('first');
      more = response;
    });
    const reader = (await ask('/stream?data=x')).body?.getReader();
    const text = async () => Buffer.from((await reader?.read())?.value ?? []).toString();
    // The instance says no more before this has arrived: a buffer would wait for ever.
    expect(await text()).toBe('first');
    (more as ServerResponse | null)?.end('second');
    expect(await text()).toBe('second');
  });

  it('takes no more from an instance than the visitor takes from it', async () => {
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
    // Nobody reads on. What the sockets between the three hold (some MB) goes through, then it has to stop.
    await until(() => taken === size || Date.now() - lastProgress > 1000, 20_000);
    leaving.abort();
    expect(answer.status).toBe(200);
    expect(taken).toBeLessThan(size / 2);
  });

  it('writes no link into its log', async () => {
    all(fine);
    await ask('/stream?data=SECRET-TOKEN');
    await ask('/download-slideshow?url=SECRET-TOKEN');
    // nginx writes its line after the answer has gone.
    const logged = (what: string) => nginx.log().some(({ request }) => request === `GET ${what}`);
    expect(await until(() => logged('/stream') && logged('/download-slideshow'), 5000)).toBe(true);
    expect(nginx.rawLog()).not.toContain('SECRET-TOKEN');
  });

  it('says busy, as JSON, when no instance is there', async () => {
    for (const { server } of instances) {
      server.closeAllConnections();
      server.close();
    }
    const answer = await post();
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ code: 'busy', retryable: true, retry_after: 5 });
  });
});
