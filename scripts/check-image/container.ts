import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

interface ImageConfig {
  User: string;
  Env: string[];
  Entrypoint: string[];
  Cmd: string[];
  StopSignal: NodeJS.Signals;
  Healthcheck: { Test: string[] };
}

const ENTER = fileURLToPath(new URL('./enter.sh', import.meta.url));
const START_LIMIT_MS = 60_000;
const ANSWER_LIMIT_MS = 60_000;

/** What a test asks of a container. */
export interface Run {
  env: Readonly<Record<string, string>>;
  /** The folder that is the volume on /app/engines; none by default. */
  engines?: string;
}

/** The unpacked image, and commands run inside as a container runtime would. */
export class Image {
  readonly root: string;
  readonly config: ImageConfig;
  readonly #caFile: string;
  /** What ran inside, and what it has written. */
  readonly #entered = new Map<ChildProcess, { output: string }>();

  /** @param inspected file with the image's `buildah inspect` */
  constructor(root: string, inspected: string, caFile: string) {
    this.root = root;
    this.#caFile = caFile;
    this.config = (
      JSON.parse(readFileSync(inspected, 'utf8')) as { Docker: { config: ImageConfig } }
    ).Docker.config;
    assert.match(this.config.User, /^[1-9]\d*:[1-9]\d*$/, 'the image names a user by number who is not root');
    // Also when a check fails. unshare's own --kill-child is lost with the change of user.
    process.on('exit', () => {
      for (const [child, { output }] of this.#entered) {
        if (child.exitCode !== null) continue;
        process.stderr.write(`what was still running wrote:\n${output.slice(-5000)}\n`);
        process.kill(this.#initOf(child), 'SIGKILL');
      }
    });
  }

  #enter(command: readonly string[], { env, engines = '' }: Run): ChildProcess {
    const own = Object.fromEntries(this.config.Env.map((line) => line.split(/=(.*)/s).slice(0, 2)));
    const args = [ENTER, this.root, this.#caFile, this.config.User, engines, ...command];
    const child = spawn('bash', args, {
      // As a container runtime reads it from the image's /etc/passwd.
      env: { HOME: '/home/node', ...own, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const written = { output: '' };
    child.stdout.on('data', (chunk) => {
      written.output += String(chunk);
    });
    this.#entered.set(child, written);
    return child;
  }

  /** The first process in the namespaces: everything else in there ends with it. */
  #initOf({ pid }: ChildProcess): number {
    const init = Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim());
    // A signal to 0 would be one to ourselves.
    assert(init > 1, 'the namespaces have no first process');
    return init;
  }

  /** Runs a command to its end. */
  async run(command: readonly string[], run: Run): Promise<{ code: number | null; output: string }> {
    return this.#endOf(this.#enter(command, run));
  }

  /** Starts the service as the image says, and waits until it is ready. */
  async start(run: Run): Promise<Container> {
    const service = this.#enter([...this.config.Entrypoint, ...this.config.Cmd], run);
    const ended = this.#endOf(service);
    const base = run.env.BASE_URL ?? '';
    await ready(service, base);
    return {
      base,
      stop: async () => {
        // To tini, as a container runtime does: enter.sh only waits for it.
        process.kill(this.#initOf(service), this.config.StopSignal);
        const { code, output } = await ended;
        assert.equal(code, 0, `the end after the stop signal: ${output.slice(-2000)}`);
        return output;
      },
    };
  }

  async #endOf(child: ChildProcess): Promise<{ code: number | null; output: string }> {
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, output: this.#entered.get(child)?.output ?? '' };
  }
}

export interface Container {
  base: string;
  /** Sends the stop signal; resolves to what the service wrote. */
  stop(): Promise<string>;
}

async function ready(service: ChildProcess, base: string): Promise<void> {
  const limit = Date.now() + START_LIMIT_MS;
  for (;;) {
    assert.equal(service.exitCode, null, 'the service ended at its start');
    assert(Date.now() < limit, 'the service is not ready in time');
    const answer = await fetch(`${base}/health/ready`).catch(() => null);
    await answer?.arrayBuffer();
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  assert(address && typeof address === 'object');
  return address.port;
}

export interface HealthReport {
  status: string;
  ytdlp: string;
  ffmpeg: boolean;
  engine: { python: string; curl_cffi: string | null; impersonation: boolean; rejected: string[] };
}

export async function healthOf({ base }: Pick<Container, 'base'>): Promise<HealthReport> {
  return (await (await fetch(`${base}/health`)).json()) as HealthReport;
}

export interface Answer {
  status: string;
  download_link: { no_watermark_hd?: string; mp3: string };
  download_slideshow_link?: string;
}

export async function post({ base }: Pick<Container, 'base'>, url: string): Promise<Answer> {
  const answer = await fetch(`${base}/tiktok`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ url }),
    signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
  });
  const body = await answer.text();
  assert.equal(answer.status, 200, body);
  return JSON.parse(body) as Answer;
}

export function said(what: string): void {
  process.stdout.write(`  ${what}\n`);
}
