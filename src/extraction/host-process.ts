import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { create as ytDlp } from 'yt-dlp-exec';
import type { Engine } from '../engine/index.ts';
import { type Hello, PROTOCOL } from './protocol.ts';

/** A warm start takes 0.3 s; a cold disk or a busy machine much longer. */
const READY_TIMEOUT_MS = 60_000;

/** Pauses before a host that died is started again; the last one repeats. A host that lived a while starts over. */
const BACK_OFF_MS = [0, 100, 500, 2000, 5000, 15_000] as const;
const STABLE_MS = 30_000;

/** For what a host that ended has said to be read. */
const LAST_WORDS_MS = 200;

/** What a Unix socket's path may have in bytes on every system we know (macOS 104, Linux 108, with the final zero). */
const MAX_SOCKET_PATH = 103;

export interface HostOptions {
  engine: Engine;
  /** Where the socket goes. Too long a path for one: the system's folder for temporary files is taken instead. */
  runDir: string;
  /** Of its own for each host in the folder. */
  socketName: string;
  cookiesPath: string;
  caFile: string | null;
  log: Logger;
}

/** The host has another protocol than this service: nothing that a restart would mend. */
export class ProtocolMismatch extends Error {
  override name = 'ProtocolMismatch';
}

type YtdlpProcess = ReturnType<ReturnType<typeof ytDlp>['exec']>;

/**
 * Keeps one yt-dlp host (host/host.py) running: starts it, starts it again with growing pauses when it dies, ends it
 * with the service. The socket's path stays the same all the while.
 */
export class HostProcess extends EventEmitter {
  readonly socketPath: string;
  readonly #options: HostOptions;
  readonly #runDir: string;
  /** To be removed with the host; TEMP_DIR's folders are the TempStore's business. */
  readonly #ownDir: string | null;
  #process: YtdlpProcess | null = null;
  #hello: Hello | null = null;
  #failures = 0;
  #closing = false;
  #restart: NodeJS.Timeout | null = null;
  restarts = 0;

  constructor(options: HostOptions) {
    super();
    this.#options = options;
    const fits = Buffer.byteLength(join(options.runDir, options.socketName)) <= MAX_SOCKET_PATH;
    this.#ownDir = fits ? null : mkdtempSync(join(tmpdir(), 'tiktok-run-'));
    this.#runDir = this.#ownDir ?? options.runDir;
    this.socketPath = join(this.#runDir, options.socketName);
  }

  /** What the running host said of itself; null while there is none. */
  get hello(): Hello | null {
    return this.#hello;
  }

  /** @throws when the first start fails: wrong engine, protocol, or no answer in time */
  async start(): Promise<Hello> {
    const hello = await this.#launch();
    return hello;
  }

  /** Ends the host and all its children; resolves when they are gone. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#restart) clearTimeout(this.#restart);
    const child = this.#process;
    if (child && child.exitCode === null && child.signalCode === null) {
      const gone = once(child, 'exit');
      child.stdin?.end();
      const impatience = setTimeout(() => child.kill('SIGKILL'), 2000);
      await gone;
      clearTimeout(impatience);
    }
    if (this.#ownDir) rmSync(this.#ownDir, { recursive: true, force: true });
  }

  async #launch(): Promise<Hello> {
    const { engine, cookiesPath, caFile, log } = this.#options;
    rmSync(this.socketPath, { force: true });
    const started = Date.now();
    const script = fileURLToPath(new URL('./host/host.py', import.meta.url));
    const child = ytDlp(engine.python).exec(
      script,
      {},
      {
        // Ctrl-C reaches a whole process group; the host has to outlive the jobs that are being answered.
        detached: true,
        cleanup: false,
        buffer: false,
        reject: false,
        env: {
          PYTHONDONTWRITEBYTECODE: '1',
          PYTHONUNBUFFERED: '1',
          MALLOC_ARENA_MAX: '2',
          // A page's text goes back to the system when its job is done: 0.7 MB for each child, and 2 % of its CPU.
          MALLOC_TRIM_THRESHOLD_: '131072',
        },
      },
    );
    this.#process = child;
    // A failed spawn rejects the child's own promise as well; `exited` below reports it.
    child.catch(() => {});
    child.stdin?.on('error', () => {}); // it died first; 'exit' tells
    const config = {
      sysPath: engine.sysPath,
      cookiesPath,
      caFile,
      runDir: this.#runDir,
      socketPath: this.socketPath,
    };
    child.stdin?.write(`${JSON.stringify(config)}\n`);
    let lastWords = '';
    if (child.stderr) {
      createInterface({ input: child.stderr }).on('line', (line) => {
        lastWords = line.slice(0, 300);
        log.debug({ host: line.slice(0, 1000) }, 'yt-dlp');
      });
    }
    // 'close' comes when the last words have been read as well, but not while a child still holds the pipe.
    const exited = once(child, 'exit').then(async ([code, signal]) => {
      if (this.#process === child) this.#hello = null;
      await Promise.race([once(child, 'close'), sleep(LAST_WORDS_MS)]);
      return new Error(
        `the yt-dlp host ended with ${signal ?? `code ${code}`}${lastWords && `: ${lastWords}`}`,
      );
    });
    const hello = await this.#firstLine(child, exited);
    this.#hello = hello;
    log.info({ ...hello, startMs: Date.now() - started }, 'yt-dlp host ready');
    void exited.then((reason) => this.#died(reason, started));
    return hello;
  }

  async #firstLine(child: YtdlpProcess, exited: Promise<Error>): Promise<Hello> {
    if (!child.stdout) throw new Error('the host has no standard output');
    const lines = createInterface({ input: child.stdout });
    const timer = setTimeout(() => child.kill('SIGKILL'), READY_TIMEOUT_MS);
    try {
      const first = await Promise.race([once(lines, 'line'), exited]);
      if (first instanceof Error) throw first;
      const hello = JSON.parse(String(first[0])) as Hello;
      if (hello.protocol !== PROTOCOL) {
        child.kill('SIGKILL');
        throw new ProtocolMismatch(`the host speaks protocol ${hello.protocol}, this service ${PROTOCOL}`);
      }
      return hello;
    } finally {
      clearTimeout(timer);
    }
  }

  #died(reason: Error, started: number): void {
    if (this.#closing) return;
    if (Date.now() - started > STABLE_MS) this.#failures = 0;
    const pause = BACK_OFF_MS[Math.min(this.#failures, BACK_OFF_MS.length - 1)] ?? 0;
    this.#failures += 1;
    this.restarts += 1;
    this.#options.log.error({ err: reason, pauseMs: pause }, 'the yt-dlp host died; starting it again');
    this.#restart = setTimeout(() => {
      const again = Date.now();
      this.#launch().catch((error: Error) => {
        if (error instanceof ProtocolMismatch) this.emit('fatal', error);
        else this.#died(error, again);
      });
    }, pause);
  }
}
