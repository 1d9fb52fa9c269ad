import type { ChildProcess } from 'node:child_process';
import type { Logger } from 'pino';
import { ServiceError } from '../errors.ts';
import { forkDecoder, killDecoder } from '../ffmpeg/index.ts';
import { RENDER_STALL_MS } from '../renders/index.ts';
import type { RenderReply, RenderRequest } from './messages.ts';

/** Milliseconds between SIGTERM and SIGKILL. */
const GRACE_MS = 2000;

export interface RenderOptions {
  onSlide: (slidesDone: number) => void;
  signal: AbortSignal;
}

/** Renders slideshows, each in a process of its own. */
export class SlideshowRenderer {
  readonly #ffmpegPath: string | null;
  readonly #log: Pick<Logger, 'error'>;

  /** @param options.ffmpegPath null where the machine has none; then every render fails */
  constructor(options: { ffmpegPath: string | null; log: Pick<Logger, 'error'> }) {
    this.#ffmpegPath = options.ffmpegPath;
    this.#log = options.log;
  }

  /**
   * Renders one slideshow. The file at `request.output` appears whole or not at all, and no process is left.
   * @throws ServiceError `render_failed`; the signal's reason
   */
  async render(
    request: Omit<RenderRequest, 'ffmpegPath'>,
    { onSlide, signal }: RenderOptions,
  ): Promise<void> {
    signal.throwIfAborted();
    const ffmpegPath = this.#ffmpegPath;
    if (ffmpegPath === null) {
      this.#log.error('no ffmpeg found: slideshows cannot be rendered');
      throw new ServiceError('render_failed');
    }
    const child = forkDecoder('render-process', import.meta.url);
    const stop = () => end(child);
    let stall = setTimeout(stop, RENDER_STALL_MS);
    let last: RenderReply | undefined;
    let stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-4000);
    });
    child.on('message', (reply: RenderReply) => {
      last = reply;
      clearTimeout(stall);
      stall = setTimeout(stop, RENDER_STALL_MS);
      if (reply.kind === 'slide' && !signal.aborted) onSlide(reply.done);
    });
    signal.addEventListener('abort', stop, { once: true });
    try {
      // A process that cannot start emits 'error', and 'close' as well.
      child.on('error', (error) => {
        stderr = error.message;
      });
      const closed = new Promise<[number | null, string | null]>((resolve) => {
        child.once('close', (...how) => resolve(how));
      });
      child.send({ ...request, ffmpegPath } satisfies RenderRequest, () => undefined);
      const [code, killedBy] = await closed;
      signal.throwIfAborted();
      if (last?.kind === 'finished' && code === 0) return;
      const failure =
        last?.kind === 'failed' ? last : { message: `render process ended: ${killedBy ?? code}`, stderr };
      this.#log.error({ reason: failure.message, stderr: failure.stderr }, 'slideshow failed to render');
      throw new ServiceError('render_failed', { cause: new Error(failure.message) });
    } finally {
      clearTimeout(stall);
      signal.removeEventListener('abort', stop);
      killDecoder(child);
    }
  }
}

function end(child: ChildProcess): void {
  child.kill('SIGTERM');
  const timer = setTimeout(() => killDecoder(child), GRACE_MS);
  child.once('close', () => clearTimeout(timer));
}
