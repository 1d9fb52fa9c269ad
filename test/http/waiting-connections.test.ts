import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { takeWaiting } from '../../src/http/waiting-connections.ts';

const VISITORS = 40;

/** How many of those who connected before the listener closed are taken. */
async function takenOf(
  before: (server: ReturnType<typeof createServer>) => Promise<unknown>,
): Promise<number> {
  const server = createServer();
  let taken = 0;
  server.on('connection', () => {
    taken += 1;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const sockets = Array.from({ length: VISITORS }, () => connect(port, '127.0.0.1').on('error', () => {}));
  // All have asked the kernel now; Node has taken one or two.
  await setImmediate();
  await before(server);
  const closed = once(server, 'close');
  server.close();
  for (const socket of sockets) socket.destroy();
  await closed;
  return taken;
}

it('leaves nobody to be reset who has connected before the listener closes', async () => {
  expect(await takenOf(takeWaiting)).toBe(VISITORS);
});

it('is needed: Node takes one a turn of its loop', async () => {
  expect(await takenOf(async () => {})).toBeLessThan(VISITORS);
});
