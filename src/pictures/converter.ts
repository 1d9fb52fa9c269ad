import type { ChildProcess } from 'node:child_process';
import type { Logger } from 'pino';
import { deadline } from '../concurrency/index.ts';
import { ServiceError } from '../errors.ts';
import { forkDecoder, killDecoder } from '../ffmpeg/index.ts';
import { IDLE_PICTURE_PROCESS_MS, PICTURE_LIMIT_MS } from '../renders/index.ts';
import type { PictureReply, PictureRequest } from './messages.ts';

/** Converts pictures in processes of its own, which are kept for the next ones and end when there are none. */
export class PictureConverter {
  readonly #log: Pick<Logger, 'warn'>;
  /** Processes without work, and the timers that end them. */
  readonly #idle = new Map<ChildProcess, NodeJS.Timeout>();

  constructor(log: Pick<Logger, 'warn'>) {
    this.#log = log;
  }

  /**
   * Converts one picture, in an idle process or a new one.
   * @throws ServiceError `render_failed`; the signal's reason
   */
  async convert(request: PictureRequest, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const child = this.#take();
    const limit = deadline(PICTURE_LIMIT_MS, signal);
    const stop = () => killDecoder(child);
    limit.signal.addEventListener('abort', stop, { once: true });
    let stderr = '';
    const listen = (text: string) => {
      stderr = (stderr + text).slice(-1000);
    };
    child.stderr?.setEncoding('utf8').on('data', listen);
    try {
      const { error, tired } = await exchange(child, request);
      if (tired) stop();
      else this.#keep(child);
      if (error === null) return;
      throw new Error(error);
    } catch (cause) {
      signal.throwIfAborted();
      this.#log.warn({ reason: (cause as Error).message, stderr }, 'picture failed to convert');
      const message = 'This photo cannot be converted: it is damaged, too large or of an unknown kind.';
      throw new ServiceError('render_failed', { message, cause });
    } finally {
      limit.clear();
      limit.signal.removeEventListener('abort', stop);
      child.stderr?.off('data', listen);
    }
  }

  /** Ends the idle processes. */
  close(): void {
    for (const child of this.#idle.keys()) this.#drop(child);
  }

  #take(): ChildProcess {
    const [entry] = this.#idle;
    if (entry) {
      const [child, timer] = entry;
      clearTimeout(timer);
      this.#idle.delete(child);
      return child;
    }
    const child = forkDecoder('picture-process', import.meta.url);
    child.on('error', () => undefined).once('exit', () => this.#drop(child));
    return child;
  }

  #keep(child: ChildProcess): void {
    const timer = setTimeout(() => this.#drop(child), IDLE_PICTURE_PROCESS_MS);
    this.#idle.set(child, timer.unref());
  }

  #drop(child: ChildProcess): void {
    clearTimeout(this.#idle.get(child));
    this.#idle.delete(child);
    killDecoder(child);
  }
}

/** @throws Error where the process ends without a reply */
function exchange(child: ChildProcess, request: PictureRequest): Promise<PictureReply> {
  return new Promise((resolve, reject) => {
    const onMessage = (reply: PictureReply) => settle(() => resolve(reply));
    const onEnd = (cause: unknown) =>
      settle(() => reject(cause instanceof Error ? cause : new Error(`picture process ended: ${cause}`)));
    const settle = (how: () => void) => {
      child.off('message', onMessage).off('error', onEnd).off('exit', onEnd);
      how();
    };
    child.on('message', onMessage).on('error', onEnd).on('exit', onEnd);
    child.send(request, () => undefined);
  });
}
