import { once } from 'node:events';
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

/** A cold disk or a busy machine takes much longer than a warm start. */
const READY_TIMEOUT_MS = 60_000;

/** Pauses before a dead host is started again; the last one repeats. A host that lived for STABLE_MS starts over. */
const BACK_OFF_MS = [0, 100, 500, 2000, 5000, 15_000] as const;
const STABLE_MS = 30_000;

/** How long to wait for the last lines of a host that ended. */
const FLUSH_MS = 200;

/** Bytes of a Unix socket's path on every known system (macOS 104, Linux 108, with the final zero). */
const MAX_SOCKET_PATH = 103;

/** The host gets these variables and none of the service's secrets. Proxies of the environment would apply to pages only. */
const ENVIRONMENT = [
  'PATH',
  'HOME',
  'TMPDIR',
  'LANG',
  'LC_ALL',
  'LD_LIBRARY_PATH',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
];

export interface HostOptions {
  engine: Engine;
  /** Where the socket goes. Where its path would be too long, the system's temporary folder takes it. */
  runDir: string;
  /** Unique for each host in the folder. */
  socketName: string;
  cookiesPath: string;
  caFile: string | null;
  log: Logger;
}

/** The host has another protocol than this service: its files are of another version. */
export class ProtocolMismatch extends Error {
  override name = 'ProtocolMismatch';
}

type YtdlpProcess = ReturnType<ReturnType<typeof ytDlp>['exec']>;

/**
 * Keeps one yt-dlp host (host/host.py) running: starts it, restarts it with growing pauses when it dies, ends it with
 * the service. The socket's path stays the same.
 */
export class HostProcess {
  readonly socketPath: string;
  readonly #options: HostOptions;
  readonly #runDir: string;
  /** Removed with the host; the folders of TEMP_DIR belong to the TempStore. */
  readonly #ownDir: string | null;
  #process: YtdlpProcess | null = null;
  #hello: Hello | null = null;
  #failures = 0;
  #closing = false;
  #restart: NodeJS.Timeout | null = null;
  restarts = 0;

  constructor(options: HostOptions) {
    this.#options = options;
    const fits = Buffer.byteLength(join(options.runDir, options.socketName)) <= MAX_SOCKET_PATH;
    this.#ownDir = fits ? null : mkdtempSync(join(tmpdir(), 'tiktok-run-'));
    this.#runDir = this.#ownDir ?? options.runDir;
    this.socketPath = join(this.#runDir, options.socketName);
  }

  /** The hello of the running host; null while there is none. */
  get hello(): Hello | null {
    return this.#hello;
  }

  /** @throws when the first start fails: wrong engine, protocol, or no answer in time */
  start(): Promise<Hello> {
    return this.#launch();
  }

  /** Ends the host and all its children; resolves when they are gone. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#restart) clearTimeout(this.#restart);
    const child = this.#process;
    if (child && child.exitCode === null && child.signalCode === null) {
      const gone = once(child, 'exit');
      child.stdin?.end();
      const forceTimer = setTimeout(() => child.kill('SIGKILL'), 2000);
      await gone;
      clearTimeout(forceTimer);
    }
    if (this.#ownDir) rmSync(this.#ownDir, { recursive: true, force: true });
  }

  async #launch(): Promise<Hello> {
    const started = Date.now();
    rmSync(this.socketPath, { force: true });
    const child = this.#spawn();
    this.#process = child;
    const lastLine = this.#logOutput(child);
    // 'close' comes after the last line has been read, but not while a child of the host still holds the pipe.
    const exited = once(child, 'exit').then(async ([code, signal]) => {
      if (this.#process === child) this.#hello = null;
      await Promise.race([once(child, 'close'), sleep(FLUSH_MS)]);
      const line = lastLine();
      return new Error(`the yt-dlp host ended with ${signal ?? `code ${code}`}${line && `: ${line}`}`);
    });
    const hello = await this.#readHello(child, exited);
    this.#hello = hello;
    const { targets, ...facts } = hello;
    this.#options.log.info(
      { ...facts, targets: targets.length, startMs: Date.now() - started },
      'yt-dlp host ready',
    );
    void exited.then((reason) => this.#restartLater(reason, started));
    return hello;
  }

  #spawn(): YtdlpProcess {
    const { engine, cookiesPath, caFile } = this.#options;
    const script = fileURLToPath(new URL('./host/host.py', import.meta.url));
    const inherited = ENVIRONMENT.map((name) => [name, process.env[name]] as const);
    const child = ytDlp(engine.python).exec(
      script,
      {},
      {
        // Ctrl-C reaches a whole process group; the host has to outlive the jobs under way.
        detached: true,
        cleanup: false,
        buffer: false,
        reject: false,
        extendEnv: false,
        env: {
          ...Object.fromEntries(inherited.filter(([, value]) => value !== undefined)),
          PYTHONDONTWRITEBYTECODE: '1',
          PYTHONUNBUFFERED: '1',
          MALLOC_ARENA_MAX: '2',
          // A page's memory goes back to the system when its job is done.
          MALLOC_TRIM_THRESHOLD_: '131072',
        },
      },
    );
    // A failed spawn rejects the child's own promise as well; `exited` reports it.
    child.catch(() => {});
    child.stdin?.on('error', () => {}); // the host died first; 'exit' reports it
    const { sysPath } = engine;
    const config = { sysPath, cookiesPath, caFile, runDir: this.#runDir, socketPath: this.socketPath };
    child.stdin?.write(`${JSON.stringify(config)}\n`);
    return child;
  }

  /** Logs the host's standard error. @returns reads the last line */
  #logOutput(child: YtdlpProcess): () => string {
    let last = '';
    if (child.stderr) {
      createInterface({ input: child.stderr }).on('line', (line) => {
        last = line.slice(0, 300);
        this.#logLine(line.slice(0, 1000));
      });
    }
    return () => last;
  }

  /** What an operator has to know begins with `warning: ` (host/fetcher.py). */
  #logLine(line: string): void {
    const { log } = this.#options;
    if (line.startsWith('warning: ')) log.warn(line.slice('warning: '.length));
    else log.debug({ host: line }, 'yt-dlp');
  }

  async #readHello(child: YtdlpProcess, exited: Promise<Error>): Promise<Hello> {
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

  /** A mismatch of protocols is retried as well: the files under a running service may be in the middle of an upgrade. */
  #restartLater(reason: Error, started: number): void {
    if (this.#closing) return;
    if (Date.now() - started > STABLE_MS) this.#failures = 0;
    const pauseMs = BACK_OFF_MS[Math.min(this.#failures, BACK_OFF_MS.length - 1)] ?? 0;
    this.#failures += 1;
    this.restarts += 1;
    const level = this.#failures > 1 ? 'error' : 'warn';
    this.#options.log[level]({ err: reason, pauseMs }, 'the yt-dlp host died; starting it again');
    this.#restart = setTimeout(() => {
      const again = Date.now();
      this.#launch().catch((error: Error) => this.#restartLater(error, again));
    }, pauseMs);
  }
}
