/** What all parts of the benchmark share: the stand-in for TikTok and the clients, both in this process, and the build to measure. */
import { once } from 'node:events';
import { loadavg } from 'node:os';
import autocannon from 'autocannon';
import { type Standin, type StandinOptions, startStandin } from '../../test/helpers/standin/index.ts';
import { type ServiceCpu, serviceCpu } from './procfs.ts';

/** A program that takes posts. */
export interface PostTaker {
  baseUrl: string;
  pid: number;
  /** By default the service's. */
  path?: string;
}

export interface BenchEnv {
  standin: Standin;
  /** The stand-in reads these at each request. */
  options: StandinOptions;
  quick: boolean;
  /** The serve.sh of the build to measure. */
  serve: string;
  /** Requests posts, each of them once; or one post all the time. */
  measure(service: PostTaker, load: Load): Promise<Measured>;
  /** Registers a clean-up step, also for what is stopped before. */
  onEnd(step: () => Promise<unknown>): void;
  /** Runs all clean-up steps, newest first. */
  end(): Promise<void>;
}

export interface Load {
  concurrency: number;
  count: number;
  same?: boolean;
}

export interface Measured {
  /** Requests without a response of status 200. */
  failures: number;
  perSecond: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
  /** CPU milliseconds of the service for each post. */
  cpu: ServiceCpu;
  /** Load average of the minute before. */
  loadBefore: number;
}

export async function prepareEnv(quick: boolean, serve: string): Promise<BenchEnv> {
  const options: StandinOptions = { latencyMs: 0, journalLimit: 2000 };
  const standin = await startStandin(options);
  const steps: (() => Promise<unknown>)[] = [() => standin.close()];
  let posts = 0;
  const measure = async (
    { baseUrl, pid, path = '/tiktok' }: PostTaker,
    { concurrency, count, same = false }: Load,
  ) => {
    const before = serviceCpu(pid);
    const [loadBefore = 0] = loadavg();
    const nextBody = () => JSON.stringify({ url: postUrl(same ? 0 : ++posts) });
    const { perSecond, latencies, succeeded } = await request(
      `${baseUrl}${path}`,
      concurrency,
      count,
      nextBody,
    );
    const after = serviceCpu(pid);
    const each = (part: keyof ServiceCpu) => (after[part] - before[part]) / count;
    const at = (share: number) => latencies[Math.ceil(latencies.length * share) - 1] ?? Number.NaN;
    const cpu = { nodeMain: each('nodeMain'), node: each('node'), python: each('python') };
    return { failures: count - succeeded, perSecond, p50: at(0.5), p99: at(0.99), cpu, loadBefore };
  };
  return {
    ...{ standin, options, quick, serve, measure },
    onEnd: (step) => void steps.push(step),
    async end() {
      for (const step of steps.reverse()) await step().catch(() => {});
    },
  };
}

/** POST over kept connections, one request at a time on each. */
async function request(url: string, connections: number, amount: number, nextBody: () => string) {
  const latencies: number[] = [];
  let succeeded = 0;
  const began = performance.now();
  let ended = began;
  const headers = { 'content-type': 'application/json', accept: 'application/json' };
  const setupRequest = (given: autocannon.Request) => ({ ...given, body: nextBody() });
  const requests = [{ method: 'POST' as const, path: new URL(url).pathname, headers, setupRequest }];
  // Without a callback the instance would be typed as a promise.
  const running = autocannon({ url, connections, amount, timeout: 300, requests }, () => {});
  // autocannon itself rounds times: latencies to milliseconds, the end to a second.
  running.on('response', (_client, status, _bytes, latency) => {
    latencies.push(latency);
    ended = performance.now();
    if (status === 200) succeeded += 1;
  });
  await once(running, 'done');
  latencies.sort((a, b) => a - b);
  return { perSecond: amount / ((ended - began) / 1000), latencies, succeeded };
}

/** At the stand-in any 19 digits that begin with 74 are a video. */
function postUrl(n: number): string {
  return `https://www.tiktok.com/@bench/video/74${String(n).padStart(17, '0')}`;
}
