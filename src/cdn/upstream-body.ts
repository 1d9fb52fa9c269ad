import type { Dispatcher } from 'undici';
import { SNIFF_BYTES } from '../media/index.ts';
import { LinkError } from './source.ts';

/** Who takes a transfer's bytes. */
export interface Sink {
  /** @returns false to pause until `resume()` */
  data(chunk: Buffer): boolean;
  end(): void;
  error(error: Error): void;
}

const NOWHERE: Sink = { data: () => true, end: () => {}, error: () => {} };

/**
 * One response on its way. It speaks undici's handler interface instead of taking the Readable of `request()`: one
 * buffer less for each of hundreds of slow readers, and chunks are handed on without a copy.
 *
 * Until a sink is attached it holds back what came, about HEAD_BYTES, and pauses the socket.
 * An response that sends nothing for `idleMs` while nobody has paused it fails as `stalled`.
 */
export class UpstreamBody implements Dispatcher.DispatchHandler {
  status = 0;
  headers: Readonly<Record<string, string | string[] | undefined>> = {};
  readonly #host: string;
  readonly #signal: AbortSignal;
  readonly #idle: NodeJS.Timeout;
  #controller: Dispatcher.DispatchController | null = null;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #needed = 0;
  /** Bytes still to be thrown away. */
  #unwanted = 0;
  #skipping: () => void = () => {};
  #sink: Sink | null = null;
  #over: 'no' | 'ended' | Error = 'no';
  /** Waits for headers, for enough held bytes, or for the end of skipping. */
  #wake: () => void = () => {};

  private constructor(host: string, idleMs: number, signal: AbortSignal) {
    this.#host = host;
    this.#signal = signal;
    this.#idle = setTimeout(() => {
      if (!this.#controller?.paused) this.destroy(new LinkError('stalled', host));
    }, idleMs);
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Sends a GET and resolves once status and headers are there. `idleMs` covers connecting, too. */
  static async open(
    dispatcher: Dispatcher,
    url: URL,
    headers: Record<string, string>,
    idleMs: number,
    signal: AbortSignal,
  ): Promise<UpstreamBody> {
    signal.throwIfAborted();
    const transfer = new UpstreamBody(url.hostname, idleMs, signal);
    dispatcher.dispatch(
      {
        origin: url.origin,
        path: url.pathname + url.search,
        method: 'GET',
        headers,
        headersTimeout: 0,
        bodyTimeout: 0,
      },
      transfer,
    );
    await transfer.#until(() => transfer.status !== 0);
    return transfer;
  }

  header(name: string): string | undefined {
    const value = this.headers[name];
    return Array.isArray(value) ? value[0] : value;
  }

  /** The first `length` bytes (less where the response is shorter); they stay to be delivered. */
  async peek(length: number): Promise<Buffer> {
    this.#needed = length;
    if (this.#heldBytes < length) this.#controller?.resume();
    await this.#until(() => this.#heldBytes >= length);
    const all = Buffer.concat(this.#held);
    this.#held = [all];
    return all.subarray(0, length);
  }

  /** Throws away the next `length` bytes; `alive` is called while they come. */
  async skip(length: number, alive: () => void): Promise<void> {
    this.#unwanted += length;
    this.#skipping = alive;
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    for (const chunk of held) this.#hold(chunk);
    this.#controller?.resume();
    await this.#until(() => this.#unwanted === 0);
  }

  /** From here on all bytes, the held ones first, go to `sink`. */
  pipeTo(sink: Sink): void {
    this.#sink = sink;
    const held = this.#held;
    this.#held = [];
    let wanted = true;
    for (const chunk of held) wanted = sink.data(chunk);
    if (this.#over === 'ended') sink.end();
    else if (this.#over !== 'no') sink.error(this.#over);
    else if (wanted) this.resume();
  }

  pause(): void {
    this.#controller?.pause();
  }

  resume(): void {
    this.#idle.refresh();
    this.#controller?.resume();
  }

  /** Ends it at once, socket included; the sink hears nothing more. */
  destroy(reason: Error = new LinkError('connection', 'no longer wanted')): void {
    if (this.#over !== 'no') return;
    // A sink that destroys has no more interest; a fault found here is news for it.
    this.#finish(reason);
    this.#controller?.abort(reason);
  }

  /** Like `destroy()`, and the sink hears nothing more. */
  detach(): void {
    this.#sink = null;
    this.destroy();
  }

  /** Nothing more is wanted. A partial response is a few bytes from its end and leaves its connection for the next. */
  drain(): void {
    if (this.status === 206) this.pipeTo(NOWHERE);
    else this.destroy();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#over instanceof Error) controller.abort(this.#over);
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    if (status < 200) return;
    this.#idle.refresh();
    this.status = status;
    this.headers = headers;
    this.#wake();
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#over !== 'no') return;
    this.#idle.refresh();
    if (this.#sink) {
      if (!this.#sink.data(chunk)) controller.pause();
      return;
    }
    this.#hold(chunk);
    // Not at exactly that many: a probe's response is just as long, and has to reach its end.
    if (this.#heldBytes > Math.max(SNIFF_BYTES, this.#needed)) controller.pause();
    this.#wake();
  }

  onResponseEnd(): void {
    this.#finish('ended');
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#finish(error instanceof LinkError ? error : new LinkError('connection', this.#host, error));
  }

  readonly #onAbort = (): void => {
    const { reason } = this.#signal;
    this.destroy(reason instanceof Error ? reason : new Error('aborted', { cause: reason }));
  };

  #hold(chunk: Buffer): void {
    const dropped = Math.min(this.#unwanted, chunk.length);
    this.#unwanted -= dropped;
    if (dropped > 0) this.#skipping();
    if (dropped === chunk.length) return;
    const rest = chunk.subarray(dropped);
    this.#held.push(rest);
    this.#heldBytes += rest.length;
  }

  #finish(how: 'ended' | Error): void {
    if (this.#over !== 'no') return;
    this.#over = how;
    clearTimeout(this.#idle);
    this.#signal.removeEventListener('abort', this.#onAbort);
    if (how === 'ended') this.#sink?.end();
    else this.#sink?.error(how);
    this.#wake();
  }

  /** Resolves when `done` holds or the response has ended; rejects when it failed. */
  #until(done: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (this.#over instanceof Error) reject(this.#over);
        else if (done() || this.#over === 'ended') resolve();
        else return;
        this.#wake = () => {};
      };
      this.#wake = look;
      look();
    });
  }
}
