import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';
import Ffmpeg from 'fluent-ffmpeg';

/** One run of ffmpeg. This is the only file that knows fluent-ffmpeg (archived since May 2025; works). */
export interface FfmpegJob {
  ffmpegPath: string;
  inputs: readonly FfmpegInput[];
  outputOptions: readonly string[];
}

export interface FfmpegInput {
  /** A file, or for one of the inputs a stream that is piped in. */
  source: string | Readable;
  options?: readonly string[];
}

export interface FfmpegRun {
  /** Settles when the process is really gone. Rejects with FfmpegFailed. */
  finished: Promise<void>;
  /** SIGKILL. Resolves when the process is gone; a run that has not begun never does. */
  kill(): Promise<void>;
}

/** ffmpeg's last words, for the log. */
export class FfmpegFailed extends Error {
  override name = 'FfmpegFailed';
  readonly stderr: string;

  constructor(cause: Error, stderr: string) {
    super(cause.message, { cause });
    this.stderr = stderr;
  }
}

/** Runs ffmpeg with its output in a file, which is overwritten. */
export function ffmpegToFile(job: FfmpegJob, path: string): FfmpegRun {
  return run(build(job).output(path));
}

/** Runs ffmpeg with its output in a stream. */
export function ffmpegToStream(job: FfmpegJob): FfmpegRun & { stream: Readable } {
  // fluent-ffmpeg calls it a failure when a process lives 20 ms longer than its closed output: emit no 'close'.
  const stream = new PassThrough({ emitClose: false });
  return { ...run(build(job).output(stream)), stream };
}

/**
 * Waits for a run; kills it when the signal aborts or the time is up, and then waits until it is gone.
 * @throws the signal's reason; FfmpegFailed
 */
export async function finishWithin(
  { finished, kill }: FfmpegRun,
  { limitMs, signal }: { limitMs: number; signal: AbortSignal },
): Promise<void> {
  const stop = () => void kill();
  const timer = setTimeout(stop, limitMs);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    await finished;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}

/** Of its words, for the log. */
const TAIL_LINES = 30;
const QUIET = ['-hide_banner', '-nostats', '-loglevel', 'warning'];
const ANY_FORMAT = { canDemux: true, canMux: true };
const ANY_FORMATS = new Proxy({}, { has: () => true, get: () => ANY_FORMAT });
type Answer = (error: Error | null, known: object) => void;

function build({ ffmpegPath, inputs, outputOptions }: FfmpegJob): Ffmpeg.FfmpegCommand {
  const command = Ffmpeg({ stdoutLines: TAIL_LINES }).setFfmpegPath(ffmpegPath);
  for (const [index, { source, options = [] }] of inputs.entries()) {
    command.input(source);
    const all = index === 0 ? [...QUIET, ...options] : options;
    // One by one, not as an array: of that it cuts every text with one space in two, also `title=Two words`.
    if (all.length > 0) command.inputOptions(...all);
  }
  // It would start ffmpeg twice more, for its formats and encoders, to check ours before each command (0.2 s with
  // Debian's ffmpeg); ffmpeg itself says well enough what it lacks.
  Object.assign(command, {
    availableFormats: (answer: Answer) => answer(null, ANY_FORMATS),
    availableEncoders: (answer: Answer) => answer(null, {}),
  });
  surviveFailedStart(command);
  return command.outputOptions(...outputOptions);
}

/** What fluent-ffmpeg keeps of an output. */
const NOTHING = { get: () => '' };
type Ring = typeof NOTHING;
type OnEnd = (error: Error | null, stdout: Ring, stderr: Ring) => void;
type Spawn = (args: string[], options: object, onProcess: unknown, onEnd: OnEnd) => void;

/**
 * fluent-ffmpeg crashes the whole service where a program cannot be started: it has no output to quote when there
 * is no such program, and no pipes to listen to when the service is out of descriptors or memory.
 */
function surviveFailedStart(command: Ffmpeg.FfmpegCommand): void {
  const inside = command as unknown as { _spawnFfmpeg: Spawn };
  const spawn = inside._spawnFfmpeg.bind(command);
  inside._spawnFfmpeg = (args, options, onProcess, onEnd) => {
    try {
      spawn(args, options, onProcess, (error, stdout = NOTHING, stderr = NOTHING) =>
        onEnd(error, stdout, stderr),
      );
    } catch (error) {
      // What it stumbled over; why, 'error' of the process that never was says a moment earlier.
      setImmediate(() => onEnd(error instanceof Error ? error : new Error(String(error)), NOTHING, NOTHING));
    }
  };
}

function run(command: Ffmpeg.FfmpegCommand): FfmpegRun {
  let child: ChildProcess | undefined;
  let exited: Promise<unknown> = Promise.resolve();
  let killed = false;
  command.once('start', () => {
    // Not in its types, but the only way to know when the process is really gone: 'error' can come before.
    child = (command as { ffmpegProc?: ChildProcess }).ffmpegProc;
    if (child) exited = once(child, 'exit').catch(() => undefined);
    // kill() may have come before fluent-ffmpeg got round to starting it.
    if (killed) child?.kill('SIGKILL');
  });
  const finished = new Promise<void>((resolve, reject) => {
    command.once('end', () => resolve());
    command.once('error', (error: Error, _stdout, stderr: string | null) => {
      child?.kill('SIGKILL');
      void exited.then(() => reject(new FfmpegFailed(error, stderr ?? '')));
    });
  });
  // Rejected before anybody waits for it is no crash; who waits still gets the error.
  finished.catch(() => undefined);
  command.run();
  const kill = async () => {
    killed = true;
    child?.kill('SIGKILL');
    await finished.catch(() => undefined);
  };
  return { finished, kill };
}
