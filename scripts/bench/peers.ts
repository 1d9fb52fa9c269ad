/** New posts by other programs from their own checkouts (`--peer cobalt=DIR`), in turn with the service, from one stand-in. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../test/helpers/service.ts';
import type { BenchEnv, Measured, PostTaker } from './env.ts';
import { type ServiceMemory, serviceMemory } from './procfs.ts';
import { type Part, printTable, round, shown, spread } from './report.ts';
import { startService } from './service.ts';

const CASES = [
  { concurrency: 20, count: 400 },
  { concurrency: 100, count: 800 },
  { concurrency: 2000, count: 2000 },
];
const ROUNDS = 2;
const WARM_UP = 600;
const START_LIMIT_MS = 30_000;

/** How a program is started in its checkout, with its dependencies installed, and which path takes `{"url": …}`. */
interface Peer {
  folder: string;
  command: readonly [string, ...string[]];
  env(port: number, standin: BenchEnv['standin']): Record<string, string>;
  path: string;
}

const PEERS: Readonly<Record<string, Peer>> = {
  // github.com/imputnet/cobalt: pnpm install --prod --filter @imput/cobalt-api...
  cobalt: {
    folder: 'api',
    command: ['node', 'src/cobalt'],
    env: (port, { proxyUrl, caFile }) => ({
      ...{ API_URL: `http://127.0.0.1:${port}/`, API_LISTEN_ADDRESS: '127.0.0.1', API_PORT: String(port) },
      ...{ HTTPS_PROXY: proxyUrl, NODE_EXTRA_CA_CERTS: caFile, RATELIMIT_MAX: '1000000000' },
    }),
    path: '/',
  },
};

/** @param given `name=DIR` each */
export function peers(given: readonly string[]) {
  const programs = given.map((one) => {
    const [name = '', dir = ''] = one.split(/=(.*)/s);
    const peer = PEERS[name];
    if (!peer || dir === '') throw new Error(`--peer ${one}: NAME=DIR, of ${Object.keys(PEERS).join(', ')}`);
    return { name, start: (env: BenchEnv) => startPeer(env, peer, resolve(dir)) };
  });
  return async (env: BenchEnv): Promise<Part> => {
    const all: { name: string; taker: PostTaker }[] = [{ name: 'this', taker: await startService(env) }];
    for (const { name, start } of programs) all.push({ name, taker: await start(env) });
    for (const { taker } of all) await env.measure(taker, { concurrency: 100, count: WARM_UP });
    const rows = [];
    for (const load of CASES) {
      const rounds = all.map(() => [] as (Measured & { memory: ServiceMemory })[]);
      for (let n = 0; n < (env.quick ? 1 : ROUNDS); n += 1) {
        for (const [index, { taker }] of all.entries()) {
          const measured = await env.measure(taker, load);
          rounds[index]?.push({ ...measured, memory: serviceMemory(taker.pid) });
        }
      }
      for (const [index, { name }] of all.entries())
        rows.push({ name, ...load, rounds: rounds[index] ?? [] });
    }
    printTable(
      'New posts, in turn. CPU in milliseconds a post, memory (PSS) after the load in MB',
      ['program', 'at once', 'posts/s', 'p50 ms', 'failures', 'CPU', 'MB'],
      rows.map(({ name, concurrency, rounds }) => [
        ...[name, String(concurrency)],
        ...[
          shown(spread(rounds.map(({ perSecond }) => perSecond))),
          shown(spread(rounds.map(({ p50 }) => p50))),
        ],
        String(rounds.reduce((sum, { failures }) => sum + failures, 0)),
        shown(spread(rounds.map(({ cpu }) => cpu.node + cpu.python))),
        round(Math.max(...rounds.map(({ memory }) => memory.total))),
      ]),
    );
    return { figures: { rows }, targets: [] };
  };
}

async function startPeer(
  { standin, onEnd }: BenchEnv,
  { folder, command, env, path }: Peer,
  dir: string,
): Promise<PostTaker> {
  const port = await freePort();
  const [program, ...args] = command;
  const child = spawn(program, args, {
    cwd: join(dir, folder),
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env(port, standin) },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const exited = once(child, 'exit');
  onEnd(async () => {
    child.kill('SIGTERM');
    await exited;
  });
  const baseUrl = `http://127.0.0.1:${port}`;
  const limit = Date.now() + START_LIMIT_MS;
  while (!(await fetch(baseUrl).catch(() => null))?.ok) {
    if (child.exitCode !== null || Date.now() > limit) throw new Error(`${dir} did not start`);
    await sleep(50);
  }
  return { baseUrl, pid: child.pid ?? 0, path };
}
