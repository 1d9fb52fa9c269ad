/** Memory of the service and its whole process tree, each shared page counted once (PSS). */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ground } from './ground.ts';
import { type ServiceMemory, serviceMemory } from './procfs.ts';
import { startService } from './service.ts';
import { printTable, round } from './table.ts';

/** As long as TikTok may take, so that all workers are busy with waiting, and the queue is full for a while. */
const LATENCY_MS = 300;
const SAMPLE_MS = 1000;

export interface MemoryResult {
  idleAtStart: ServiceMemory;
  busy20: ServiceMemory;
  busy100: ServiceMemory;
  queued2000: ServiceMemory;
  /** After a minute without requests; null in a quick run. */
  idleAfterQuiet: ServiceMemory | null;
  failures: number;
}

export async function memory(ground: Ground): Promise<MemoryResult> {
  const service = await startService(ground.standin);
  await sleep(3000);
  const idleAtStart = serviceMemory(service.pid);
  await ground.setLatency(LATENCY_MS);
  let failures = 0;
  /** The most that was seen while so many asked at once. */
  const during = async (concurrency: number, count: number) => {
    let most: ServiceMemory = { node: 0, python: 0, total: 0, threads: 0, children: 0 };
    const sampler = setInterval(() => {
      const now = serviceMemory(service.pid);
      if (now.total > most.total) most = now;
    }, SAMPLE_MS);
    try {
      failures += (await ground.ask(service, { concurrency, count })).failures;
    } finally {
      clearInterval(sampler);
    }
    return most;
  };
  const busy20 = await during(20, ground.quick ? 200 : 600);
  // As many posts as below, so that the cache (32 MiB, some 2,700 posts) has them too and the difference is the queue's.
  const busy100 = await during(100, 2000);
  const queued2000 = await during(2000, 2000);
  await ground.setLatency(0);
  if (!ground.quick) await sleep(61_000);
  const idleAfterQuiet = ground.quick ? null : serviceMemory(service.pid);
  await service.stop();
  printTable(
    'Memory of the whole tree, MB (PSS; the most that was seen)',
    ['', 'Node', 'Python', 'together', 'threads', 'children'],
    [
      row('idle, 3 s after the start', idleAtStart),
      row('20 workers busy', busy20),
      row('100 at once', busy100),
      row('2,000 at once', queued2000),
      ...(idleAfterQuiet ? [row('idle after a quiet minute', idleAfterQuiet)] : []),
    ],
  );
  return { idleAtStart, busy20, busy100, queued2000, idleAfterQuiet, failures };
}

function row(name: string, { node, python, total, threads, children }: ServiceMemory): string[] {
  return [name, ...[node, python, total].map(round), String(threads), String(children)];
}
