import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';
import Ffmpeg from 'fluent-ffmpeg';

/** The only file that knows fluent-ffmpeg (archived since May 2025; works). */
export interface FfmpegRun {
  /** Settles when the process has ended; holds what it wrote to stdout (nothing where that is `stream`). */
  finished: Promise<string>;
  kill(): void;
}

interface FfmpegJob {
  ffmpegPath: string;
  /** Piped in as the first input. */
  input: Readable;
  inputOptions: string[];
  /** Second input. */
  file?: { path: string; options: string[] };
  outputOptions: string[];
}

/** Runs ffmpeg with its output in a file. */
export function ffmpegToFile(job: FfmpegJob, path: string): FfmpegRun {
  const command = build(job).output(path);
  const run = watch(command);
  command.run();
  return run;
}

/** Runs ffmpeg with its output in a stream. */
export function ffmpegToStream(job: FfmpegJob): FfmpegRun & { stream: Readable } {
  // fluent-ffmpeg calls it a failure when a process lives 20 ms longer than its closed output: emit no 'close'.
  const stream = new PassThrough({ emitClose: false });
  const command = build(job).output(stream);
  const run = watch(command);
  command.run();
  return { ...run, stream };
}

/** ffmpeg's last words, for the log. */
export class FfmpegFailed extends Error {
  readonly stderr: string;

  constructor(cause: Error, stderr: string) {
    super(cause.message, { cause });
    this.name = 'FfmpegFailed';
    this.stderr = stderr;
  }
}

const TAIL_LINES = 30;
const ANY_FORMAT = { canDemux: true, canMux: true };
type Answer = (error: Error | null, known: object) => void;

function build({ ffmpegPath, input, inputOptions, file, outputOptions }: FfmpegJob): Ffmpeg.FfmpegCommand {
  const command = Ffmpeg({ stdoutLines: TAIL_LINES }).setFfmpegPath(ffmpegPath);
  command.input(input).inputOptions(['-hide_banner', '-nostats', '-loglevel', 'warning', ...inputOptions]);
  if (file) command.input(file.path).inputOptions(file.options);
  // It would start ffmpeg twice more, for its formats and encoders, to check ours before each command (0.2 s with
  // Debian's ffmpeg); ffmpeg itself says well enough what it lacks.
  Object.assign(command, {
    availableFormats: (answer: Answer) => answer(null, { rawvideo: ANY_FORMAT, h264: ANY_FORMAT }),
    availableEncoders: (answer: Answer) => answer(null, {}),
  });
  return command.outputOptions(outputOptions);
}

function watch(command: Ffmpeg.FfmpegCommand): FfmpegRun {
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
  const kill = () => {
    killed = true;
    child?.kill('SIGKILL');
  };
  const finished = new Promise<string>((resolve, reject) => {
    command.once('end', (stdout: string | null) => resolve(stdout ?? ''));
    command.once('error', (error: Error, _stdout, stderr: string | null) => {
      kill();
      exited.then(() => reject(new FfmpegFailed(error, stderr ?? '')));
    });
  });
  // Rejected before anybody waits for it is no crash; who waits still gets the error.
  finished.catch(() => undefined);
  return { finished, kill };
}
