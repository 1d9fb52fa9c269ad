/** What is used of yt-dlp-exec, whose own types are not found by TypeScript (its package.json names none). */
declare module 'yt-dlp-exec' {
  import type { ExecaChildProcess, Options } from 'execa';

  interface YtDlp {
    /** Runs the binary with a first argument (a URL; for us, the host's script) and flags. */
    exec(argument: string, flags?: Record<string, unknown>, options?: Options): ExecaChildProcess;
  }

  export function create(binaryPath: string): YtDlp;
}
