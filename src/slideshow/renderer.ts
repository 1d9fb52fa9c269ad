import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Logger } from 'pino';
import { ServiceError } from '../errors.ts';
import type { RenderReply, RenderRequest } from './messages.ts';

/** A process that was asked to end has this long to kill its ffmpegs and leave; then it is killed with them. */
const GRACE_MS = 2000;
/** A slide takes a tenth of a second; a minute without one is a decoder that hangs. */
const STALL_MS = 60_000;

/** What a process needs to find programs, libraries and a place for caches. */
const ENVIRONMENT = ['PATH', 'HOME', 'TMPDIR', 'LD_LIBRARY_PATH'];

export interface RenderOptions {
  onSlide: (slidesDone: number) => void;
  signal: AbortSignal;
}

/** Renders slideshows, each in a process of its own. */
export class SlideshowRenderer {
  readonly #ffmpegPath: string | null;
  readonly #log: Pick<Logger, 'error'>;

  /** @param options.ffmpegPath null where the machine has none: then every render fails. */
  constructor(options: { ffmpegPath: string | null; log: Pick<Logger, 'error'> }) {
    this.#ffmpegPath = options.ffmpegPath;
    this.#log = options.log;
  }

  /**
   * Renders one movie. The file at `order.output` appears whole or not at all, and no process is left, whatever
   * the end.
   * @throws ServiceError `render_failed`; the signal's reason where that was first.
   */
  async render(order: Omit<RenderRequest, 'ffmpegPath'>, { onSlide, signal }: RenderOptions): Promise<void> {
    signal.throwIfAborted();
    const ffmpegPath = this.#ffmpegPath;
    if (ffmpegPath === null) {
      this.#log.error('no ffmpeg on this machine: slideshows cannot be rendered');
      throw new ServiceError('render_failed');
    }
    const child = startProcess();
    const stop = () => end(child);
    let stall = setTimeout(stop, STALL_MS);
    let last: RenderReply | undefined;
    let stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-4000);
    });
    child.on('message', (reply: RenderReply) => {
      last = reply;
      clearTimeout(stall);
      stall = setTimeout(stop, STALL_MS);
      if (reply.kind === 'slide' && !signal.aborted) onSlide(reply.done);
    });
    signal.addEventListener('abort', stop, { once: true });
    try {
      // A process that cannot even be started reports that as an error, and closes all the same.
      child.on('error', (error) => {
        stderr = error.message;
      });
      const closed = new Promise<[number | null, string | null]>((resolve) => {
        child.once('close', (...how) => resolve(how));
      });
      child.send({ ...order, ffmpegPath } satisfies RenderRequest, () => undefined);
      const [code, killedBy] = await closed;
      signal.throwIfAborted();
      if (last?.kind === 'finished' && code === 0) return;
      const failure =
        last?.kind === 'failed' ? last : { message: `render process ended: ${killedBy ?? code}`, stderr };
      this.#log.error({ reason: failure.message, stderr: failure.stderr }, 'a slideshow failed to render');
      throw new ServiceError('render_failed', { cause: new Error(failure.message) });
    } finally {
      clearTimeout(stall);
      signal.removeEventListener('abort', stop);
      killGroup(child);
    }
  }
}

function startProcess(): ChildProcess {
  // Compiled, this file and the process's are JavaScript. From source, Node 20 needs tsx to read them.
  const source = import.meta.url.endsWith('.ts');
  const entry = new URL(source ? './render-process.ts' : './render-process.js', import.meta.url);
  const loader = () => pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  return fork(fileURLToPath(entry), {
    execArgv: source ? ['--import', loader()] : [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    // Decoders of strangers' files get to see no keys and no passwords of proxies.
    env: Object.fromEntries(ENVIRONMENT.map((name) => [name, process.env[name]])),
    // A process group of its own, so that one kill reaches the ffmpegs too.
    detached: true,
  });
}

function end(child: ChildProcess): void {
  child.kill('SIGTERM');
  const timer = setTimeout(() => killGroup(child), GRACE_MS);
  child.once('close', () => clearTimeout(timer));
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // ESRCH: nobody of the group is left, which is the rule.
  }
}
