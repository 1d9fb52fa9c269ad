import { once } from 'node:events';
import { stat } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { takeWaiting } from '../../src/http/waiting-connections.ts';

const VISITORS = 40;

/** Where a turn of the loop is when the listener is to close. */
const MOMENTS = {
  // Signals arrive there: immediates come next, without a look at the sockets between.
  'while events are read': () => new Promise<unknown>((resolve) => stat('.', resolve)),
  'among the immediates': () => setImmediate(),
};

/** How many of those who connected before the listener closed are taken. */
async function takenOf(
  moment: () => Promise<unknown>,
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
  await moment();
  const sockets = Array.from({ length: VISITORS }, () => connect(port, '127.0.0.1').on('error', () => {}));
  // With the next tick they ask the kernel, which answers at once. Node has not looked yet.
  await new Promise<void>((resolve) => process.nextTick(resolve));
  await before(server);
  const closed = once(server, 'close');
  server.close();
  for (const socket of sockets) socket.destroy();
  await closed;
  return taken;
}

it.each(Object.entries(MOMENTS))(
  'leaves nobody to be reset who has connected before: %s',
  async (_, moment) => {
    expect(await takenOf(moment, takeWaiting)).toBe(VISITORS);
  },
);

it('is needed: Node takes one a turn of its loop', async () => {
  expect(await takenOf(MOMENTS['among the immediates'], async () => {})).toBeLessThan(VISITORS);
});
