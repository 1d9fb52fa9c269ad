import type { EventEmitter } from 'node:events';
import type { FastifyInstance } from 'fastify';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Costs next to nothing and is answered at once, whoever waits: for those who watch the service. */
    ahead?: boolean;
  }
}

/**
 * So many turns on end with a new connection are a rush: the kernel holds no more for us (main.ts). Those that come
 * after that are a flood, and no reason to do nothing else. Nor are more requests held, at some 10 KB each: from there
 * on they begin as fast as connections are taken, and who comes then waits in the kernel.
 */
export const MAX_RUSH = 4096;

/**
 * Requests that begin in one turn: some 2 ms of work. A hundred kept connections that ask for what is in the cache took
 * 260 µs of processor time a request with one a turn, for each turn asks the kernel what is new (233 without Rush, in
 * turn), and take 180 with these (241 without).
 */
export const A_TURN = 8;

export interface HeldRequest {
  isGone(): boolean;
  begin(): void;
}

/**
 * Requests begin a few each turn of the event loop, in the order in which they came, and none while a rush of
 * connections comes in. libuv takes one connection a turn (1.46, since Node 20), so whoever connected behind 2,000
 * others waited for all their work, half a millisecond each, were it only to ask for /health: for 1,050 to 1,400 ms of
 * this thread's time, which is seconds where it has a third of two processors. A turn that only takes a connection and
 * reads it costs 0.07 ms, so that it is 125 to 160 ms now; a server of Node's that does nothing else takes 160 to 190.
 * Where there is no crowd, a request begins in the turn in which it came.
 */
export class Rush {
  readonly #held: HeldRequest[] = [];
  #armed = false;
  /** Whether a connection was taken since the last turn, and in how many turns on end. */
  #connected = false;
  #turns = 0;

  constructor(server: Pick<EventEmitter, 'on'>) {
    server.on('connection', () => {
      this.#connected = true;
    });
  }

  hold(request: HeldRequest): void {
    this.#held.push(request);
    this.#arm();
  }

  #arm(): void {
    if (this.#armed) return;
    this.#armed = true;
    setImmediate(() => {
      this.#armed = false;
      this.#turn();
      if (this.#held.length > 0) this.#arm();
    });
  }

  #turn(): void {
    this.#turns = this.#connected ? this.#turns + 1 : 0;
    this.#connected = false;
    if (this.#turns > 0 && this.#turns < MAX_RUSH && this.#held.length < MAX_RUSH) return;
    for (let begun = 0; begun < A_TURN; ) {
      const next = this.#held.shift();
      if (!next) return;
      if (next.isGone()) continue;
      next.begin();
      begun += 1;
    }
  }
}

/** To be called before any other hook is added: what they do is part of a request's work. */
export function spreadRushes(app: FastifyInstance): void {
  const rush = new Rush(app.server);
  app.addHook('onRequest', (request, reply, done) => {
    if (request.routeOptions.config.ahead) done();
    else rush.hold({ isGone: () => reply.raw.destroyed, begin: done });
  });
}
