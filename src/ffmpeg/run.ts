import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';
import Ffmpeg from 'fluent-ffmpeg';
import { deadline } from '../concurrency/index.ts';
import { decoderEnvironment, isolated, offerToOomKiller } from './isolation.ts';

/** One run of ffmpeg. This is the only file that knows fluent-ffmpeg (archived since May 2025). */
export interface FfmpegJob {
  ffmpegPath: string;
  inputs: readonly FfmpegInput[];
  outputOptions: readonly string[];
  /** False in a process that is isolated itself. */
  isolate?: boolean;
}

export interface FfmpegInput {
  /** A file, or for one of the inputs a stream that is piped in. */
  source: string | Readable;
  options?: readonly string[];
}

export interface FfmpegRun {
  /** Settles when the process has exited. Rejects with FfmpegFailed. */
  finished: Promise<void>;
  /** Sends SIGKILL; resolves when the process has exited. */
  kill(): Promise<void>;
}

/** A failed run, with the last lines of ffmpeg's stderr. */
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
  return start(build(job).output(path));
}

/** Runs ffmpeg with its output in a stream. */
export function ffmpegToStream(job: FfmpegJob): FfmpegRun & { stream: Readable } {
  // fluent-ffmpeg fails a process that lives 20 ms longer than its closed output: emit no 'close'.
  const stream = new PassThrough({ emitClose: false });
  return { ...start(build(job).output(stream)), stream };
}

/**
 * Waits for a run. Kills it when the signal aborts or the time is up, and waits for its exit.
 * @throws the signal's reason; FfmpegFailed
 */
export async function finishWithin(
  { finished, kill }: FfmpegRun,
  { limitMs, signal }: { limitMs: number; signal: AbortSignal },
): Promise<void> {
  const limit = deadline(limitMs, signal);
  const stop = () => void kill();
  if (signal.aborted) stop();
  else limit.signal.addEventListener('abort', stop, { once: true });
  try {
    await finished;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    limit.clear();
  }
}

/** Lines of stderr that are kept for the log. */
const TAIL_LINES = 30;
const QUIET = ['-hide_banner', '-nostats', '-loglevel', 'warning'];
const ANY_FORMAT = { canDemux: true, canMux: true };
const ANY_FORMATS = new Proxy({}, { has: () => true, get: () => ANY_FORMAT });

/** What fluent-ffmpeg keeps of an output. */
const NO_OUTPUT = { get: () => '' };
type Ring = typeof NO_OUTPUT;
type OnEnd = (error: Error | null, stdout: Ring, stderr: Ring) => void;
type Reply = (error: Error | null, known: object) => void;

/** Parts of fluent-ffmpeg that its types do not show. */
interface Internals {
  ffmpegProc?: ChildProcess;
  availableFormats: (reply: Reply) => void;
  availableEncoders: (reply: Reply) => void;
  _spawnFfmpeg: (args: string[], options: object, onProcess: unknown, onEnd: OnEnd) => void;
}

function build({ ffmpegPath, inputs, outputOptions, isolate = true }: FfmpegJob): Ffmpeg.FfmpegCommand {
  const command = Ffmpeg({ stdoutLines: TAIL_LINES });
  for (const [index, { source, options = [] }] of inputs.entries()) {
    command.input(source);
    const all = index === 0 ? [...QUIET, ...options] : options;
    // One by one: fluent-ffmpeg splits the texts of an array at a single space, also `title=Two words`.
    if (all.length > 0) command.inputOptions(...all);
  }
  const inside = command as unknown as Internals;
  // Otherwise fluent-ffmpeg starts ffmpeg twice more, to look up formats and encoders.
  inside.availableFormats = (reply) => reply(null, ANY_FORMATS);
  inside.availableEncoders = (reply) => reply(null, {});
  const spawn = inside._spawnFfmpeg.bind(command);
  inside._spawnFfmpeg = (args, options, onProcess, onEnd) => {
    const launch = isolate ? isolated(ffmpegPath, args) : { program: ffmpegPath, args };
    command.setFfmpegPath(launch.program);
    try {
      // Where a process cannot start, fluent-ffmpeg has no outputs to quote, or throws because there are no pipes.
      spawn(
        launch.args,
        { ...options, env: decoderEnvironment() },
        onProcess,
        (error, out = NO_OUTPUT, err = NO_OUTPUT) => onEnd(error, out, err),
      );
    } catch (error) {
      // Later than the 'error' event of the process, which says why.
      setImmediate(() => onEnd(error as Error, NO_OUTPUT, NO_OUTPUT));
    }
  };
  return command.outputOptions(...outputOptions);
}

function start(command: Ffmpeg.FfmpegCommand): FfmpegRun {
  let child: ChildProcess | undefined;
  let exited: Promise<unknown> = Promise.resolve();
  let killed = false;
  command.once('start', () => {
    child = (command as unknown as Internals).ffmpegProc;
    if (child) exited = once(child, 'exit').catch(() => undefined);
    if (child?.pid) void offerToOomKiller(child.pid);
    // kill() may come before fluent-ffmpeg has started the process.
    if (killed) child?.kill('SIGKILL');
  });
  const finished = new Promise<void>((resolve, reject) => {
    command.once('end', () => resolve());
    command.once('error', (error: Error, _stdout, stderr: string | null) => {
      child?.kill('SIGKILL');
      void exited.then(() => reject(new FfmpegFailed(error, stderr ?? '')));
    });
  });
  finished.catch(() => undefined);
  command.run();
  const kill = async () => {
    killed = true;
    child?.kill('SIGKILL');
    await finished.catch(() => undefined);
  };
  return { finished, kill };
}
