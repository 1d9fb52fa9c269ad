import { EventEmitter, once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { A_TURN, MAX_RUSH, Rush, spreadRushes } from '../../src/http/rush.ts';

/** Counted in requests and turns of the loop, never in milliseconds: so a busy machine makes no difference. */

let app: FastifyInstance;
let sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets = [];
  await app?.close();
});

/** A server whose requests cost two milliseconds each, and the numbers of those that have begun. */
async function serve(): Promise<number[]> {
  const begun: number[] = [];
  app = Fastify();
  spreadRushes(app);
  app.get<{ Params: { number: string } }>('/work/:number', async ({ params }) => {
    begun.push(Number(params.number));
    const end = performance.now() + 2;
    while (performance.now() < end);
    return 'done';
  });
  app.get('/watch', { config: { ahead: true } }, async () => 'well');
  await app.listen({ host: '127.0.0.1', port: 0 });
  return begun;
}

/** A connection of its own that sends as soon as it stands; resolves with the answer's first bytes, or the end. */
function ask(path: string): { socket: Socket; answered: Promise<unknown> } {
  const { port } = app.server.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1');
  socket.write(`GET ${path} HTTP/1.1\r\nhost: here\r\n\r\n`);
  socket.on('error', () => {});
  sockets.push(socket);
  return { socket, answered: Promise.race([once(socket, 'data'), once(socket, 'close')]) };
}

const crowd = (count: number) => Array.from({ length: count }, (_, number) => ask(`/work/${number}`));

describe('a rush of connections', () => {
  it('is taken before any of its work: who watches and comes last is answered among the first', async () => {
    const begun = await serve();
    const all = crowd(300);
    await ask('/watch').answered;
    expect(begun.length).toBeLessThan(30);
    await Promise.all(all.map(({ answered }) => answered));
    expect(begun.length).toBe(300);
  });

  it('keeps who watches from waiting for the work that is left, too', async () => {
    const begun = await serve();
    const all = crowd(300);
    while (begun.length < 100) await turn();
    const before = begun.length;
    await ask('/watch').answered;
    expect(begun.length - before).toBeLessThan(5 * A_TURN);
    await Promise.all(all.map(({ answered }) => answered));
  });

  it('is served in the order in which it came', async () => {
    const begun = await serve();
    await Promise.all(crowd(200).map(({ answered }) => answered));
    expect(begun).toEqual([...begun].sort((a, b) => a - b));
    expect(begun.length).toBe(200);
  });

  it('costs nothing for those who have given up', async () => {
    const begun = await serve();
    const all = crowd(200);
    while (begun.length === 0) await turn();
    const [, ...others] = all;
    for (const { socket } of others.slice(0, 150)) socket.destroy();
    await Promise.all(others.slice(150).map(({ answered }) => answered));
    // One or the other may begin before the end of its connection has been read.
    expect(begun.length).toBeLessThan(80);
    expect(begun.slice(-49)).toEqual(Array.from({ length: 49 }, (_, index) => 151 + index));
  });
});

describe('requests', () => {
  /** Turns until so many have begun, where a connection comes in each of those turns or in none. */
  async function turnsFor(requests: number, begunWanted: number, connecting: boolean): Promise<number> {
    const server = new EventEmitter();
    const rush = new Rush(server);
    let begun = 0;
    for (let index = 0; index < requests; index += 1) {
      rush.hold({ isGone: () => false, begin: () => (begun += 1) });
    }
    let turns = 0;
    while (begun < begunWanted) {
      if (connecting) server.emit('connection');
      await turn();
      turns += 1;
    }
    return turns;
  }

  it('that come alone begin in the turn in which they came', async () => {
    expect(await turnsFor(1, 1, false)).toBe(1);
  });

  it('that come together begin a few a turn', async () => {
    expect(await turnsFor(10 * A_TURN, 10 * A_TURN, false)).toBe(10);
  });

  it('are not held for ever by connections that do not end', async () => {
    expect(await turnsFor(1, 1, true)).toBe(MAX_RUSH);
  });

  it('are not held without end', async () => {
    expect(await turnsFor(MAX_RUSH, A_TURN, true)).toBe(1);
  });
});
