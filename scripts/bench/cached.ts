/** Posts out of the cache: rate and CPU. */
import type { BenchEnv } from './env.ts';
import { type Part, printTable, round, shown, spread } from './report.ts';
import { startService } from './service.ts';

const CONNECTIONS = 32;
const WARM_UP = 3000;

export async function cached(env: BenchEnv): Promise<Part> {
  const service = await startService(env, { MAX_WORKERS: '1' });
  const [count, rounds] = env.quick ? [4000, 2] : [8000, 5];
  const load = { concurrency: CONNECTIONS, same: true };
  // The first request alone: the others would wait for the same extraction.
  await env.measure(service, { concurrency: 1, count: 1, same: true });
  await env.measure(service, { ...load, count: WARM_UP });
  const measured = [];
  for (let n = 0; n < rounds; n += 1) measured.push(await env.measure(service, { ...load, count }));
  await service.stop();
  const perSecond = spread(measured.map((one) => one.perSecond));
  const cpuMs = spread(measured.map(({ cpu }) => cpu.node));
  const p99 = spread(measured.map((one) => one.p99));
  printTable(
    `Cached posts, ${CONNECTIONS} connections, ${count} requests a round`,
    ['posts/s', 'CPU ms a post', 'posts a CPU second', 'p99 ms'],
    [[shown(perSecond), shown(cpuMs), round(1000 / cpuMs.median), shown(p99)]],
  );
  return { figures: { perSecond, cpuMs, p99 }, targets: [] };
}
