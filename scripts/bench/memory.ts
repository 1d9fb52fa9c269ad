/** Memory of the service with all its processes, each shared page counted once (PSS). */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchEnv } from './env.ts';
import { type ServiceMemory, serviceMemory } from './procfs.ts';
import { atMost, type Part, printTable, round } from './report.ts';
import { startService } from './service.ts';

/** Keeps all workers waiting and the queue full for a while. */
const LATENCY_MS = 300;
const SAMPLE_MS = 1000;

export async function memory(env: BenchEnv): Promise<Part> {
  const service = await startService(env);
  await sleep(3000);
  const idleAtStart = serviceMemory(service.pid);
  env.options.latencyMs = LATENCY_MS;
  let failures = 0;
  /** The highest sample under that load. */
  const peak = async (concurrency: number, count: number) => {
    let most: ServiceMemory = { node: 0, python: 0, total: 0, threads: 0, children: 0 };
    const sampler = setInterval(() => {
      const now = serviceMemory(service.pid);
      if (now.total > most.total) most = now;
    }, SAMPLE_MS);
    failures += (await env.measure(service, { concurrency, count })).failures;
    clearInterval(sampler);
    return most;
  };
  const busy20 = await peak(20, env.quick ? 200 : 600);
  // The same number of posts as below: both fill the cache, and the difference is the queue.
  const busy100 = await peak(100, 2000);
  const queued2000 = await peak(2000, 2000);
  env.options.latencyMs = 0;
  await sleep(env.quick ? 10_000 : 61_000);
  const idleAfter = serviceMemory(service.pid);
  await service.stop();
  const samples = {
    'idle, 3 s after the start': idleAtStart,
    '20 workers busy': busy20,
    '100 at once': busy100,
    '2,000 at once': queued2000,
    'idle again': idleAfter,
  };
  printTable(
    'Memory of the whole tree, MB (PSS, highest sample)',
    ['', 'Node', 'Python', 'together', 'threads', 'children'],
    Object.entries(samples).map(([name, { node, python, total, threads, children }]) => [
      ...[name, round(node), round(python), round(total), String(threads), String(children)],
    ]),
  );
  return {
    figures: { ...samples, failures },
    targets: [
      atMost('20 workers busy: 400 MB', busy20.total, 400),
      atMost('20 workers busy: the client’s 300 MB', busy20.total, 300),
      atMost('2,000 at once over 100 at once: 1.2', queued2000.total / busy100.total, 1.2),
      atMost('idle again: 150 MB', idleAfter.total, 150),
      atMost('failed requests: 0', failures, 0),
    ],
  };
}
