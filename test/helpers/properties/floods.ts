import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { type FastifyBaseLogger, fastify } from 'fastify';
import { clientKey, loggedNetwork, networksOf } from '../../../src/http/client-key.ts';
import { createBoundedServer } from '../../../src/http/connections.ts';
import { NetworkCounter } from '../../../src/http/network-counter.ts';
import { LIMITS } from '../../../src/limits.ts';
import { must, type Property, sync } from './property.ts';

const EACH = 3;
const hextet = fc.integer({ min: 0, max: 0xffff }).map((n) => n.toString(16));
/** Few different beginnings, so that networks repeat. */
const ipv6 = fc
  .tuple(fc.constantFrom('2001:db8:1', '2001:db8:2'), fc.constantFrom('0', '1', '100', '1ff'), hextet, hextet)
  .map(([site, subnet, a, b]) => `${site}:${subnet}:${a}::${b}`);
const address = fc.oneof(
  ipv6,
  fc.ipV6(),
  fc.ipV4(),
  fc.ipV4().map((ip) => `::ffff:${ip}`),
  fc.ipV4().map((ip) => `${ip}:4711`),
  fc.string({ unit: 'binary', maxLength: 40 }),
);

const PIECES = [
  'GET /x HTTP/1.1\r\nHost: x\r\n\r\n',
  'GET /slow HTTP/1.1\r\nHost: x\r\n\r\n',
  'HEAD /x HTTP/1.1\r\nHost: x\r\n\r\n',
  'POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc',
  'POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n',
  'POST /x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n',
  'GET http://x/x HTTP/1.1\r\nHost: x\r\n\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  '\r\n\r\n',
  'Host: x\r\n',
];
const writes = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.tuple(fc.constantFrom(...PIECES), fc.integer({ min: 1, max: 40 })) },
    { weight: 1, arbitrary: fc.tuple(fc.string({ unit: 'binary', maxLength: 60 }), fc.constant(1)) },
  ),
  { minLength: 1, maxLength: 6 },
);

/** What floods consist of: addresses by the million, and requests behind each other on one connection. */
export const FLOODS: readonly Property[] = [
  sync(
    'clients: any address is one client, one group and one network in the log',
    1,
    fc.property(address, (ip) => {
      const networks = networksOf(ip);
      must(networks.length === 1 || networks.length === 3, `${networks.length} networks`);
      must(
        networks.every(({ key }) => /^[\d./]+$|^unknown$/.test(key)),
        JSON.stringify(networks),
      );
      must(clientKey({ ip }).split('>').length <= 2, clientKey({ ip }));
      must(/^[\da-f.:/]+$|^unknown$/.test(loggedNetwork(ip)), loggedNetwork(ip));
    }),
  ),
  sync(
    'clients: no /64, /56 or /48 holds more than its share, and what is given back is free again',
    0.2,
    fc.property(fc.array(ipv6, { maxLength: 60 }), (addresses) => {
      const counter = new NetworkCounter(EACH);
      const taken = addresses.flatMap((ip) => {
        const giveBack = counter.take(networksOf(ip));
        return giveBack ? [{ ip, giveBack }] : [];
      });
      const held = new Map<string, number>();
      for (const { key, factor } of taken.flatMap(({ ip }) => networksOf(ip))) {
        held.set(key, (held.get(key) ?? 0) + 1);
        must((held.get(key) ?? 0) <= EACH * factor, `${key} holds ${held.get(key)}`);
      }
      for (const { giveBack } of taken) {
        giveBack();
        giveBack();
      }
      must(
        addresses.every((ip) => counter.take(networksOf(ip))?.() === undefined),
        'something is still held',
      );
    }),
  ),
  {
    name: 'connections: whatever is pipelined, a bounded number waits, one runs, and the next client is served',
    share: 0.02,
    async check(numRuns, seed) {
      await withServer(async ({ port, mostAtOnce }) => {
        await fc.assert(
          fc.asyncProperty(writes, fc.boolean(), async (texts, leaves) => {
            const socket = await open(port);
            for (const [text, times] of texts) socket.write(text.repeat(times));
            if (leaves) socket.destroy();
            const honest = await open(port);
            honest.write('GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
            const [answer] = (await once(honest, 'data')) as [Buffer];
            must(answer.toString().startsWith('HTTP/1.1 200'), answer.toString());
            honest.destroy();
            socket.destroy();
            must(mostAtOnce() <= 1, `${mostAtOnce()} requests of one connection run at a time`);
          }),
          { numRuns, seed },
        );
      });
    },
  },
];

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

async function withServer(
  use: (server: { port: number; mostAtOnce: () => number }) => Promise<void>,
): Promise<void> {
  const running = new WeakMap<Socket, number>();
  let most = 0;
  const silent = { info: () => {} } as unknown as FastifyBaseLogger;
  const app = fastify({
    serverFactory: (handler) =>
      createBoundedServer({}, handler, {
        limits: LIMITS,
        log: silent,
        isProxy: () => false,
        onRefused: () => {},
      }),
  });
  app.all('/x', async () => 'x');
  app.get('/slow', async () => new Promise((done) => setTimeout(done, 20, 'slow')));
  app.addHook('onRequest', async ({ raw }, reply) => {
    const now = (running.get(raw.socket) ?? 0) + 1;
    running.set(raw.socket, now);
    most = Math.max(most, now);
    reply.raw.prependOnceListener('close', () => running.set(raw.socket, (running.get(raw.socket) ?? 1) - 1));
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  try {
    await use({ port: (app.server.address() as AddressInfo).port, mostAtOnce: () => most });
  } finally {
    await app.close();
  }
}
