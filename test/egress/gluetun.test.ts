import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ControlFailure, Gluetun } from '../../src/egress/gluetun.ts';
import { Secret } from '../../src/secret.ts';
import { freePort } from '../helpers/service.ts';

let server: Server | null = null;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = null;
});

/** A control server that answers each request with the next of the given statuses and bodies for its path. */
async function control(
  answers: Record<string, [status: number, body: string][]>,
  otherTargets: number[] = [],
) {
  const seen: string[] = [];
  const started = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const name = `${request.method} ${request.url}`;
      seen.push(`${name} ${Buffer.concat(chunks)}`.trim());
      const queue = answers[name] ?? [];
      const [status, body] = (queue.length > 1 ? queue.shift() : queue[0]) ?? [404, ''];
      response.writeHead(status).end(body);
    });
  }).listen(0, '127.0.0.1');
  server = started;
  await new Promise((resolve) => started.once('listening', resolve));
  const { port } = started.address() as AddressInfo;
  // The server itself is what answers through the tunnel.
  const targets = [...otherTargets, port].map((one) => ['127.0.0.1', one] as const);
  const url = `http://127.0.0.1:${port}`;
  return { url, seen, gluetun: new Gluetun(url, new Secret('the key'), targets) };
}

const DONE: [number, string] = [200, '{"outcome":"done"}'];
const is = (status: string): [number, string] => [200, JSON.stringify({ status })];
const READ = 'GET /v1/vpn/status';
const WRITE = 'PUT /v1/vpn/status';

describe('a reconnect', () => {
  it('waits until the VPN runs, and does not ask for the address', async () => {
    const { gluetun, seen } = await control({
      [WRITE]: [DONE],
      [READ]: [is('starting'), [500, ''], is('running')],
    });
    await gluetun.reconnect();
    expect(seen).toEqual([
      `${WRITE} {"status":"stopped"}`,
      `${WRITE} {"status":"running"}`,
      ...[READ, READ, READ],
    ]);
  });

  it('waits until something answers through the tunnel', async () => {
    const port = await freePort();
    const { url, seen } = await control({ [WRITE]: [DONE], [READ]: [is('running')] });
    const silent = new Gluetun(url, new Secret('the key'), [['127.0.0.1', port]]);
    const reconnected = silent.reconnect();
    while (seen.filter((line) => line === READ).length < 2) await new Promise((next) => setTimeout(next, 20));
    const late = createServer().listen(port, '127.0.0.1');
    await reconnected;
    late.close();
  });

  it('is done when one of several answers', async () => {
    const dead = await freePort();
    const { gluetun } = await control({ [WRITE]: [DONE], [READ]: [is('running')] }, [dead]);
    await gluetun.reconnect();
  });

  it('does not leave the VPN stopped after one failed response', async () => {
    const { gluetun, seen } = await control({ [WRITE]: [DONE, [500, ''], DONE], [READ]: [is('running')] });
    await gluetun.reconnect();
    expect(seen.filter((line) => line.includes('running'))).toHaveLength(2);
  });

  it.each<[number, string]>([
    [401, 'the control server answers 401: is GLUETUN_API_KEY right?'],
    [500, 'the control server answers 500'],
  ])('fails where stopping is answered %i, and says so without the key', async (status, message) => {
    const { gluetun, seen } = await control({ [WRITE]: [[status, '']] });
    await expect(gluetun.reconnect()).rejects.toThrow(new ControlFailure(message));
    expect(seen).toHaveLength(1);
  });
});

it.each(['<html>', '{}'])('an unreadable response is a failure: %s', async (body) => {
  const answer: [number, string] = [200, body];
  const { gluetun } = await control({ 'GET /v1/publicip/ip': [answer], [READ]: [answer] });
  await expect(gluetun.publicIp()).rejects.toThrow(ControlFailure);
  await expect(gluetun.status()).rejects.toThrow(ControlFailure);
});
