import type { Dispatcher } from 'undici';
import { SNIFF_BYTES } from '../media/index.ts';
import { HeldBytes } from './held-bytes.ts';
import { LinkError } from './source.ts';

/** Takes the bytes of an upstream body. */
export interface Sink {
  /** @returns false to pause until `resume()` */
  data(chunk: Buffer): boolean;
  end(): void;
  error(error: Error): void;
}

const DISCARD: Sink = { data: () => true, end: () => {}, error: () => {} };

export interface UpstreamBodyOptions {
  dispatcher: Dispatcher;
  /** Longest silence while the body is not paused, connecting included, in milliseconds. */
  idleMs: number;
  /** Destroys the body until it is piped; from then on its sink's owner does. */
  signal: AbortSignal;
}

/**
 * One response of the CDN. It is undici's handler itself instead of the Readable of `request()`: one buffer less for
 * each slow reader, and chunks are handed on without a copy.
 *
 * Until it is piped it holds about SNIFF_BYTES and pauses the socket.
 */
export class UpstreamBody implements Dispatcher.DispatchHandler {
  status = 0;
  headers: Readonly<Record<string, string | string[] | undefined>> = {};
  readonly #host: string;
  readonly #signal: AbortSignal;
  readonly #idleTimer: NodeJS.Timeout;
  readonly #held = new HeldBytes();
  #controller: Dispatcher.DispatchController | null = null;
  /** Bytes that `peek` waits for. */
  #needed = 0;
  #sink: Sink | null = null;
  #outcome: 'pending' | 'ended' | Error = 'pending';
  /** Rechecks the condition of `#until`. */
  #recheck: () => void = () => {};

  private constructor(host: string, idleMs: number, signal: AbortSignal) {
    this.#host = host;
    this.#signal = signal;
    this.#idleTimer = setTimeout(() => {
      if (!this.#controller?.paused) this.destroy(new LinkError('stalled', host));
    }, idleMs);
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /**
   * Sends a GET and resolves once status and headers are there.
   * @throws LinkError; the signal's reason
   */
  static async open(
    url: URL,
    headers: Record<string, string>,
    { dispatcher, idleMs, signal }: UpstreamBodyOptions,
  ): Promise<UpstreamBody> {
    signal.throwIfAborted();
    const body = new UpstreamBody(url.hostname, idleMs, signal);
    dispatcher.dispatch(
      {
        origin: url.origin,
        path: url.pathname + url.search,
        method: 'GET',
        headers,
        headersTimeout: 0,
        bodyTimeout: 0,
      },
      body,
    );
    await body.#until(() => body.status !== 0);
    return body;
  }

  header(name: string): string | undefined {
    const value = this.headers[name];
    return Array.isArray(value) ? value[0] : value;
  }

  /** The first `length` bytes (fewer where the body is shorter); they stay to be delivered. */
  async peek(length: number): Promise<Buffer> {
    this.#needed = length;
    if (this.#held.length < length) this.#controller?.resume();
    await this.#until(() => this.#held.length >= length);
    return this.#held.peek(length);
  }

  /** Discards the next `length` bytes; calls `onProgress` while they come. */
  async skip(length: number, onProgress: () => void): Promise<void> {
    this.#held.skip(length);
    this.#controller?.resume();
    await this.#until(() => {
      onProgress();
      return !this.#held.skipping;
    });
  }

  /** Sends all bytes to `sink`, those held first. */
  pipeTo(sink: Sink): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#sink = sink;
    let more = true;
    for (const chunk of this.#held.takeAll()) more = sink.data(chunk);
    if (this.#outcome === 'ended') sink.end();
    else if (this.#outcome !== 'pending') sink.error(this.#outcome);
    else if (more) this.resume();
  }

  pause(): void {
    this.#controller?.pause();
  }

  resume(): void {
    this.#idleTimer.refresh();
    this.#controller?.resume();
  }

  /** Ends the body and its connection, and tells the sink. */
  destroy(reason: Error = new LinkError('connection', 'no longer wanted')): void {
    if (this.#outcome !== 'pending') return;
    this.#finish(reason);
    this.#controller?.abort(reason);
  }

  /** Ends the body and its connection without telling the sink. */
  detach(): void {
    this.#sink = null;
    this.destroy();
  }

  /** Discards the rest: a partial response is read to its end, so that its connection can be used again. */
  drain(): void {
    if (this.status === 206) this.pipeTo(DISCARD);
    else this.destroy();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#outcome instanceof Error) controller.abort(this.#outcome);
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    if (status < 200) return;
    this.#idleTimer.refresh();
    this.status = status;
    this.headers = headers;
    this.#recheck();
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#outcome !== 'pending') return;
    this.#idleTimer.refresh();
    if (this.#sink) {
      if (!this.#sink.data(chunk)) controller.pause();
      return;
    }
    this.#held.push(chunk);
    // Not at equality: the response to a probe has exactly SNIFF_BYTES and must reach its end.
    if (this.#held.length > Math.max(SNIFF_BYTES, this.#needed)) controller.pause();
    this.#recheck();
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

  #finish(outcome: 'ended' | Error): void {
    if (this.#outcome !== 'pending') return;
    this.#outcome = outcome;
    clearTimeout(this.#idleTimer);
    this.#signal.removeEventListener('abort', this.#onAbort);
    if (outcome === 'ended') this.#sink?.end();
    else this.#sink?.error(outcome);
    this.#recheck();
  }

  /** Resolves once `isDone` holds or the body has ended; rejects with the body's error. */
  #until(isDone: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#recheck = () => {
        if (this.#outcome instanceof Error) reject(this.#outcome);
        else if (this.#outcome === 'ended' || isDone()) resolve();
        else return;
        this.#recheck = () => {};
      };
      this.#recheck();
    });
  }
}
