import { Readable } from 'node:stream';
import { ServiceError } from '../errors.ts';
import type { UpstreamResponse } from './request.ts';
import { TailBuffer } from './tail-buffer.ts';
import type { Sink } from './upstream-body.ts';

/**
 * What one stream reads ahead of its client, and how much is pushed at once: TLS delivers 16 KiB at a time, and each
 * push costs a system call at the client's socket.
 */
const READ_AHEAD_BYTES = 32 * 1024;

/** A resume that brings less than this counts as fruitless. */
const WORTHWHILE_BYTES = 16 * 1024;
/** Fruitless resumes in a row after which the upstream counts as broken. */
const MAX_FRUITLESS_RESUMES = 5;

/** Where a broken body goes on. */
export interface ResumePoint {
  /** Offset in the file of the next byte to deliver. */
  position: number;
  /** Last byte, inclusive; null for the end of a file of unknown length. */
  end: number | null;
  /** The bytes delivered just before `position`. */
  tail: TailBuffer;
  /** The response that broke: the same link may be held to its validator. */
  broken: Pick<UpstreamResponse, 'link' | 'validator' | 'lastModified'>;
}

export interface ResumableBodyOptions {
  /** First and last byte; `end` is null where the length is unknown and the upstream's own end counts. */
  range: { start: number; end: number | null };
  /** Begins exactly at `range.start`. */
  response: UpstreamResponse;
  /** The body fails beyond it; a file of known length is not opened then. */
  maxBytes: number;
  /** Opens the same file at exactly `position`, at any link. */
  resume: (point: ResumePoint, signal: AbortSignal) => Promise<UpstreamResponse>;
  /** Milliseconds without a byte after which the body fails, whether the upstream or the client is idle. */
  stallTimeoutMs: number;
  /** Destroys the body. */
  signal: AbortSignal;
  /** Receives the number of bytes that came. */
  onBytes: (count: number) => void;
}

export function tooLarge(): ServiceError {
  return new ServiceError('not_allowed', { message: 'This file is larger than this service allows.' });
}

/**
 * A file, or a range of one, as one unbroken stream over any number of upstream responses. It ends with an error where
 * it cannot be whole: the client's connection must then be broken, never closed neatly.
 */
export class ResumableBody extends Readable {
  readonly #options: ResumableBodyOptions;
  readonly #end: number;
  readonly #tail = new TailBuffer();
  readonly #stallTimer: NodeJS.Timeout;
  readonly #closed = new AbortController();
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #response: UpstreamResponse | null;
  #position: number;
  #lastResumeAt: number;
  #fruitlessResumes = 0;
  /** Set when the upstream broke while the client read nothing, so that a slow client does not wear out its links. */
  #resumeOnRead = false;

  constructor(options: ResumableBodyOptions) {
    super({ highWaterMark: READ_AHEAD_BYTES });
    this.#options = options;
    this.#end = options.range.end ?? Number.POSITIVE_INFINITY;
    this.#response = options.response;
    this.#position = options.range.start;
    this.#lastResumeAt = this.#position;
    this.#stallTimer = setTimeout(() => this.destroy(new ServiceError('timeout')), options.stallTimeoutMs);
    options.signal.addEventListener('abort', this.#onAbort, { once: true });
    if (options.signal.aborted) this.#onAbort();
    else options.response.body.pipeTo(this.#sink);
  }

  override _read(): void {
    this.#stallTimer.refresh();
    if (this.#resumeOnRead) {
      this.#resumeOnRead = false;
      void this.#resume();
    } else {
      this.#response?.body.resume();
    }
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    clearTimeout(this.#stallTimer);
    this.#options.signal.removeEventListener('abort', this.#onAbort);
    this.#response?.body.detach();
    this.#response = null;
    this.#pending = [];
    this.#closed.abort(error ?? new Error('body destroyed'));
    callback(error);
  }

  readonly #onAbort = (): void => {
    const { reason } = this.#options.signal;
    this.destroy(reason instanceof Error ? reason : new Error('aborted', { cause: reason }));
  };

  readonly #sink: Sink = {
    data: (chunk) => {
      const left = this.#end - this.#position + 1;
      const wanted = chunk.length > left ? chunk.subarray(0, left) : chunk;
      this.#stallTimer.refresh();
      this.#tail.append(wanted);
      this.#position += wanted.length;
      this.#options.onBytes(wanted.length);
      if (this.#position > this.#options.maxBytes) {
        this.destroy(tooLarge());
        return false;
      }
      const more = this.#enqueue(wanted);
      if (this.#isComplete) this.#complete();
      return more || this.#isComplete;
    },
    end: () => {
      if (this.#options.range.end === null) this.#complete();
      else this.#onBroken();
    },
    error: () => this.#onBroken(),
  };

  get #isComplete(): boolean {
    return this.#position > this.#end;
  }

  /** Gathers chunks up to READ_AHEAD_BYTES, and for no longer than one turn of the event loop. */
  #enqueue(chunk: Buffer): boolean {
    this.#pending.push(chunk);
    this.#pendingBytes += chunk.length;
    if (this.#pendingBytes >= READ_AHEAD_BYTES || this.#isComplete) return this.#flush();
    if (this.#pending.length === 1) setImmediate(() => this.#flush());
    return true;
  }

  #flush(): boolean {
    const pending = this.#pending;
    if (pending.length === 0 || this.destroyed) return true;
    this.#pending = [];
    this.#pendingBytes = 0;
    const more = this.push(pending.length === 1 ? pending[0] : Buffer.concat(pending));
    if (!more) this.#response?.body.pause();
    return more;
  }

  /** Cuts a server that ignored the range and sends on; other responses end by themselves and keep their connection. */
  #complete(): void {
    if (this.destroyed) return;
    this.#flush();
    const response = this.#response;
    this.#response = null;
    if (response?.body.status === 200 && response.size !== this.#end + 1) response.body.detach();
    this.push(null);
  }

  #onBroken(): void {
    if (this.destroyed || this.#isComplete) return;
    this.#flush();
    if (this.readableLength >= this.readableHighWaterMark) this.#resumeOnRead = true;
    else void this.#resume();
  }

  async #resume(): Promise<void> {
    const broken = this.#response;
    if (!broken) return;
    const isFruitless = this.#position - this.#lastResumeAt < WORTHWHILE_BYTES;
    this.#fruitlessResumes = isFruitless ? this.#fruitlessResumes + 1 : 0;
    this.#lastResumeAt = this.#position;
    if (this.#fruitlessResumes > MAX_FRUITLESS_RESUMES) {
      const cause = new Error('the upstream breaks again and again');
      this.destroy(new ServiceError('upstream_failed', { cause }));
      return;
    }
    try {
      const point = {
        position: this.#position,
        end: this.#options.range.end,
        tail: this.#tail,
        broken,
      };
      const response = await this.#options.resume(point, this.#closed.signal);
      if (this.destroyed) {
        response.body.detach();
        return;
      }
      this.#response = response;
      response.body.pipeTo(this.#sink);
    } catch (error) {
      this.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  }
}
