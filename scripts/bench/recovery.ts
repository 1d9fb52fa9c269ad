/** A request sent at the moment at which its child, or the host of all children, is killed. */
import { setTimeout as sleep } from 'node:timers/promises';
import { pythonTree, until } from '../../test/helpers/processes.ts';
import type { BenchEnv } from './env.ts';
import { atMost, type Part, printTable, round, shown, spread } from './report.ts';
import { type BenchService, startService } from './service.ts';

export async function recovery(env: BenchEnv): Promise<Part> {
  let failures = 0;
  /** Milliseconds until the response. */
  const timed = async (service: BenchService) => {
    const report = await env.measure(service, { concurrency: 1, count: 1 });
    failures += report.failures;
    return report.p50;
  };
  const undisturbed: number[] = [];
  const afterChild: number[] = [];
  // With one worker, the next request is that worker's.
  const single = await startService(env, { MAX_WORKERS: '1' });
  await env.measure(single, { concurrency: 1, count: 50 });
  for (let n = 0; n < (env.quick ? 5 : 15); n += 1) {
    undisturbed.push(await timed(single));
    kill(pythonTree(single.pid).children[0]);
    afterChild.push(await timed(single));
    await sleep(100);
  }
  await single.stop();
  const afterHost: number[] = [];
  for (let n = 0; n < (env.quick ? 2 : 5); n += 1) {
    // A new service each time: a host that keeps dying is restarted with growing delays.
    const service = await startService(env);
    await env.measure(service, { concurrency: 20, count: 100 });
    const { host } = pythonTree(service.pid);
    kill(host);
    afterHost.push(await timed(service));
    await until(() => pythonTree(service.pid).host !== host, 5000);
    await service.stop();
  }
  const figures = {
    undisturbed: spread(undisturbed),
    'its child killed': spread(afterChild),
    'added by that': spread(afterChild.map((ms, n) => ms - (undisturbed[n] ?? Number.NaN))),
    'the host killed': spread(afterHost),
  };
  printTable(
    'Recovery: milliseconds until the response',
    ['', 'rounds', 'ms', 'max'],
    Object.entries(figures).map(([name, times]) => [
      ...[name, String(times.rounds.length), shown(times), round(times.max)],
    ]),
  );
  return {
    figures: { ...figures, failures },
    targets: [
      atMost('a killed child: 50 ms more than undisturbed', figures['added by that'].median, 50),
      atMost('a killed host: 1,500 ms', figures['the host killed'].median, 1500),
      atMost('failed requests: 0', failures, 0),
    ],
  };
}

function kill(pid: number | null | undefined): void {
  if (!pid) throw new Error('no such process to kill');
  process.kill(pid, 'SIGKILL');
}
