import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ControlFailure, Gluetun } from '../../src/egress/gluetun.ts';
import { Secret } from '../../src/secret.ts';

let server: Server | null = null;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = null;
});

/** A control server that answers each request with the next of the given statuses and bodies for its path. */
async function control(answers: Record<string, [status: number, body: string][]>) {
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
  const url = `http://127.0.0.1:${(started.address() as AddressInfo).port}`;
  return { seen, gluetun: new Gluetun(url, new Secret('the key')) };
}

const DONE: [number, string] = [200, '{"outcome":"done"}'];
const IP = 'GET /v1/publicip/ip';
const STATUS = 'PUT /v1/vpn/status';

describe('a reconnect', () => {
  it('waits until there is an address, and for another one while the old one is still reported', async () => {
    const told = ['', '192.0.2.1', '192.0.2.2'].map((address): [number, string] => [
      200,
      JSON.stringify({ public_ip: address }),
    ]);
    const { gluetun, seen } = await control({ [STATUS]: [DONE], [IP]: told });
    expect(await gluetun.reconnect('192.0.2.1')).toBe('192.0.2.2');
    expect(seen).toEqual([
      `${STATUS} {"status":"stopped"}`,
      `${STATUS} {"status":"running"}`,
      ...[IP, IP, IP],
    ]);
  });

  it('accepts the same address after three seconds', async () => {
    const { gluetun } = await control({ [STATUS]: [DONE], [IP]: [[200, '{"public_ip":"192.0.2.1"}']] });
    expect(await gluetun.reconnect('192.0.2.1')).toBe('192.0.2.1');
  });

  it('does not leave the VPN stopped after one failed response', async () => {
    const { gluetun, seen } = await control({
      [STATUS]: [DONE, [500, ''], DONE],
      [IP]: [[200, '{"public_ip":"192.0.2.2"}']],
    });
    expect(await gluetun.reconnect(null)).toBe('192.0.2.2');
    expect(seen.filter((line) => line.includes('running'))).toHaveLength(2);
  });

  it.each<[number, string]>([
    [401, 'the control server answers 401: is GLUETUN_API_KEY right?'],
    [500, 'the control server answers 500'],
  ])('fails where stopping is answered %i, and says so without the key', async (status, message) => {
    const { gluetun, seen } = await control({ [STATUS]: [[status, '']] });
    await expect(gluetun.reconnect(null)).rejects.toThrow(new ControlFailure(message));
    expect(seen).toHaveLength(1);
  });

  it('fails when the control server sends something unreadable', async () => {
    const { gluetun } = await control({ [IP]: [[200, '<html>']] });
    await expect(gluetun.publicIp()).rejects.toThrow(ControlFailure);
  });
});
