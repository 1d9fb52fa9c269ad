import { Readable } from 'node:stream';
import { ServiceError } from '../errors.ts';
import type { ByteRange } from '../media/index.ts';
import type { UpstreamResponse } from './request.ts';
import { TailBuffer } from './tail-buffer.ts';
import type { Sink } from './upstream-body.ts';

/**
 * What one stream may hold ahead of its reader, and how much is handed on at once. TLS delivers 16 KiB at a time,
 * and each costs the reader's socket a system call, so pieces are gathered. 200 slow readers took 63 MB with
 * 64 KiB and 13 MB with 32; one fast reader was no slower, and slower with 128 or 256.
 */
const READ_AHEAD_BYTES = 32 * 1024;

/** A resume that brings less than this has not got anywhere. */
const WORTHWHILE_BYTES = 16 * 1024;
/** Resumes in a row that got nowhere; then the upstream is broken, however often it responses. */
const MAX_FRUITLESS_RESUMES = 5;

/** Where a broken body goes on. */
export interface ResumePoint {
  /** Offset in the file of the next byte to deliver. */
  position: number;
  /** Last byte, inclusive. */
  end: number;
  /** What was delivered just before `position`. */
  tail: TailBuffer;
  /** The response that broke: the same link may be held to its validator. */
  broken: Pick<UpstreamResponse, 'link' | 'validator' | 'lastModified'>;
}

export interface BodyOptions {
  range: ByteRange;
  /** Begins exactly at `range.start`. */
  response: UpstreamResponse;
  /** Opens the file at exactly `position`, somewhere; verified to be the same file. */
  resume: (point: ResumePoint, signal: AbortSignal) => Promise<UpstreamResponse>;
  /** Milliseconds without a byte, whether the upstream sends none or the reader takes none. */
  stallTimeoutMs: number;
  /** Destroys the body. */
  signal: AbortSignal;
  /** Hears how many bytes came. */
  onBytes: (count: number) => void;
}

/**
 * A file, or a range of one, as one unbroken stream, whatever happens to the responses it is made of. Ends with an
 * error where it cannot be whole: then the connection to the client has to be broken, never closed neatly.
 */
export class ResumableBody extends Readable {
  readonly #options: BodyOptions;
  readonly #tail = new TailBuffer();
  readonly #stall: NodeJS.Timeout;
  readonly #gone = new AbortController();
  #gathered: Buffer[] = [];
  #gatheredBytes = 0;
  #response: UpstreamResponse | null;
  #position: number;
  #atLastResume: number;
  #fruitless = 0;
  /** Broken while the reader was not asking for more: a slow reader must not wear out one link after the other. */
  #resumeOnRead = false;

  constructor(options: BodyOptions) {
    super({ highWaterMark: READ_AHEAD_BYTES });
    this.#options = options;
    this.#response = options.response;
    this.#position = options.range.start;
    this.#atLastResume = this.#position;
    this.#stall = setTimeout(() => this.destroy(new ServiceError('timeout')), options.stallTimeoutMs);
    options.signal.addEventListener('abort', this.#onAbort, { once: true });
    if (options.signal.aborted) this.#onAbort();
    else options.response.body.pipeTo(this.#sink);
  }

  override _read(): void {
    this.#stall.refresh();
    if (this.#resumeOnRead) {
      this.#resumeOnRead = false;
      void this.#resume();
    } else {
      this.#response?.body.resume();
    }
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    clearTimeout(this.#stall);
    this.#options.signal.removeEventListener('abort', this.#onAbort);
    this.#response?.body.detach();
    this.#response = null;
    this.#gathered = [];
    this.#gone.abort(error ?? new Error('body destroyed'));
    callback(error);
  }

  readonly #onAbort = (): void => {
    const { reason } = this.#options.signal;
    this.destroy(reason instanceof Error ? reason : new Error('aborted', { cause: reason }));
  };

  readonly #sink: Sink = {
    data: (chunk) => {
      const { end } = this.#options.range;
      const left = end - this.#position + 1;
      const wanted = chunk.length > left ? chunk.subarray(0, left) : chunk;
      this.#stall.refresh();
      this.#tail.append(wanted);
      this.#position += wanted.length;
      this.#options.onBytes(wanted.length);
      const more = this.#gather(wanted);
      if (this.#position > end) this.#complete();
      return more || this.#position > end;
    },
    end: () => this.#broken(),
    error: () => this.#broken(),
  };

  #gather(chunk: Buffer): boolean {
    this.#gathered.push(chunk);
    this.#gatheredBytes += chunk.length;
    if (this.#gatheredBytes >= READ_AHEAD_BYTES || this.#position > this.#options.range.end) {
      return this.#handOn();
    }
    // What came in one turn of the loop belongs together; nothing waits for longer than that.
    if (this.#gathered.length === 1) setImmediate(() => this.#handOn());
    return true;
  }

  #handOn(): boolean {
    const gathered = this.#gathered;
    if (gathered.length === 0 || this.destroyed) return true;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    const more = this.push(gathered.length === 1 ? gathered[0] : Buffer.concat(gathered));
    if (!more) this.#response?.body.pause();
    return more;
  }

  /** A server that ignored the range sends on: it is cut. Other responses end by themselves; their connection is kept. */
  #complete(): void {
    const response = this.#response;
    this.#response = null;
    if (response?.body.status === 200 && response.size !== this.#options.range.end + 1)
      response.body.detach();
    this.push(null);
  }

  #broken(): void {
    if (this.destroyed || this.#position > this.#options.range.end) return;
    this.#handOn();
    if (this.readableLength >= this.readableHighWaterMark) this.#resumeOnRead = true;
    else void this.#resume();
  }

  async #resume(): Promise<void> {
    const broken = this.#response;
    if (!broken) return;
    this.#fruitless = this.#position - this.#atLastResume < WORTHWHILE_BYTES ? this.#fruitless + 1 : 0;
    this.#atLastResume = this.#position;
    if (this.#fruitless > MAX_FRUITLESS_RESUMES) {
      this.destroy(new ServiceError('upstream_failed', { cause: new Error('broken again and again') }));
      return;
    }
    try {
      const point = { position: this.#position, end: this.#options.range.end, tail: this.#tail, broken };
      const response = await this.#options.resume(point, this.#gone.signal);
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
