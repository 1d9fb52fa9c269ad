import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Limits } from '../limits.ts';
import type { Progress } from '../renders/index.ts';
import { markFirstByte } from './access-log.ts';
import { clientKey, networksOf } from './client-key.ts';
import { DownloadLimiter } from './download-limiter.ts';

/** Keeps proxies from closing a quiet stream. */
const HEARTBEAT_MS = 15_000;

type Watch = (listener: (progress: Progress) => void) => () => void;

/** Server-sent events about files being made. Bounded in number, and each in time. */
export class ProgressStreams {
  readonly #limits: Limits['progress'];
  readonly #slots: DownloadLimiter;
  /** Ends the stream of a client about a file: a second one replaces it. */
  readonly #open = new Map<string, () => void>();

  constructor({ progress, process, client }: Limits) {
    this.#limits = progress;
    this.#slots = new DownloadLimiter({ all: process.progressStreams, each: client.progressStreams });
  }

  /**
   * Sends one `data: {"stage", "percent"}` for each change, until the file is made, nothing is being made, or the client
   * has gone.
   * @param key of the file
   * @throws ServiceError `busy` where too many streams are open
   */
  follow(request: FastifyRequest, reply: FastifyReply, key: string, watch: Watch): void {
    if (reply.raw.destroyed) return;
    const name = `${clientKey(request)} ${key}`;
    this.#open.get(name)?.();
    const giveBack = this.#slots.take(networksOf(request.ip));
    const stream = openStream(request, reply);
    let ended = false;
    const end = () => {
      if (ended) return;
      ended = true;
      clearTimeout(idle);
      clearTimeout(total);
      clearInterval(heartbeat);
      unwatch?.();
      giveBack();
      if (this.#open.get(name) === end) this.#open.delete(name);
      stream.end();
    };
    const idle = setTimeout(end, this.#limits.idleMs);
    const total = setTimeout(end, this.#limits.totalMs);
    const heartbeat = setInterval(() => stream.write(': heartbeat\n\n'), HEARTBEAT_MS);
    this.#open.set(name, end);
    stream.once('close', end);
    const unwatch = watch((progress) => {
      if (ended) return;
      idle.refresh();
      stream.write(`data: ${JSON.stringify(progress)}\n\n`);
      // Later: watch() may tell of an end before it returns.
      if (progress.stage === 'done' || progress.stage === 'failed') setImmediate(end);
    });
  }

  /** Streams open now. */
  get open(): number {
    return this.#slots.taken;
  }
}

function openStream(request: FastifyRequest, reply: FastifyReply) {
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    // nginx buffers the events otherwise.
    'x-accel-buffering': 'no',
  });
  raw.write('retry: 2000\n\n');
  markFirstByte(request);
  return raw;
}
