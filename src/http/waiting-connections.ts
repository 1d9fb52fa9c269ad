import type { Server } from 'node:http';
import { setImmediate } from 'node:timers/promises';

/** More than the kernel holds for us (main.ts): who comes after that is not waited for. */
const MAX_TURNS = 4096;

/**
 * Takes those who have connected and whom Node has not taken yet: they would be reset when the listener closes, and each
 * of them believes that he was accepted. libuv takes one a turn of the loop, so a turn without one says that there are
 * no more.
 */
export async function takeWaiting(server: Server): Promise<void> {
  let taken = false;
  const take = () => {
    taken = true;
  };
  server.on('connection', take);
  // Asked from where signals arrive, the next immediate comes without a look at the sockets between; the others do not.
  await setImmediate();
  for (let turn = 0; turn < MAX_TURNS; turn += 1) {
    taken = false;
    await setImmediate();
    if (!taken) break;
  }
  server.off('connection', take);
}
