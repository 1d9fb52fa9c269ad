import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { until } from './processes.ts';
import { freePort } from './service.ts';

/** Why tests with Redis cannot run here; null where they can. */
export const NO_REDIS = redisProblem();

/** A redis-server for one test; can be killed, frozen and started again on the same port. */
export class TestRedis {
  readonly url: string;
  readonly #port: number;
  readonly #options: readonly string[];
  readonly #dir = mkdtempSync(join(tmpdir(), 'redis-'));
  #process: ChildProcess | null = null;

  /** @param options of redis-server, such as `--cluster-enabled yes` */
  static async start(options: readonly string[] = []): Promise<TestRedis> {
    const redis = new TestRedis(await freePort(), options);
    await redis.start();
    return redis;
  }

  private constructor(port: number, options: readonly string[]) {
    this.#port = port;
    this.#options = options;
    this.url = `redis://127.0.0.1:${port}`;
  }

  async start(): Promise<void> {
    const args = ['--port', String(this.#port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    args.push(...this.#options);
    this.#process = spawn('redis-server', args, { cwd: this.#dir, stdio: 'ignore' });
    const ready = () =>
      this.ask((client) => client.ping()).then(
        () => true,
        () => false,
      );
    if (!(await until(ready, 10_000))) throw new Error('redis-server did not start');
  }

  /** Runs commands on a connection of its own. */
  async ask<T>(commands: (client: Redis) => Promise<T>): Promise<T> {
    const client = new Redis(this.url, { lazyConnect: true, retryStrategy: () => null });
    client.on('error', () => {});
    try {
      await client.connect();
      return await commands(client);
    } finally {
      client.disconnect();
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  /** SIGKILL, and gone when it resolves. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

/** Three primaries that share the hash slots. */
export async function startCluster(): Promise<TestRedis[]> {
  const cluster = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000'];
  const nodes = await Promise.all([1, 2, 3].map(() => TestRedis.start(cluster)));
  const addresses = nodes.map(({ url }) => new URL(url).host);
  execFileSync('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-yes'], { stdio: 'pipe' });
  const isReady = () =>
    Promise.all(nodes.map((node) => node.ask((client) => client.call('CLUSTER', 'INFO')))).then((infos) =>
      infos.every((info) => String(info).includes('cluster_state:ok')),
    );
  if (!(await until(isReady, 20_000))) throw new Error('the Redis cluster is not ready');
  return nodes;
}

function redisProblem(): string | null {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' });
    return null;
  } catch {
    return 'redis-server is not installed (Debian: apt-get install redis-server)';
  }
}
