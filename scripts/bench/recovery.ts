/** How long a visitor waits who asks at the moment at which a child, or the host of them all, is killed. */
import { setTimeout as sleep } from 'node:timers/promises';
import { pythonTree, until } from '../../test/helpers/processes.ts';
import type { Ground } from './ground.ts';
import { type BenchService, startService } from './service.ts';
import { printTable, round, type Spread, shown, spread } from './table.ts';

export interface RecoveryResult {
  /** Milliseconds of a request that nothing disturbs; of one after the kill; and what the kill added. */
  undisturbed: Spread;
  afterChild: Spread;
  childAdds: Spread;
  afterHost: Spread;
  failures: number;
}

export async function recovery(ground: Ground): Promise<RecoveryResult> {
  const undisturbed: number[] = [];
  const afterChild: number[] = [];
  const afterHost: number[] = [];
  let failures = 0;
  const timed = async (service: BenchService) => {
    const began = performance.now();
    failures += (await ground.ask(service, { concurrency: 1, count: 1 })).failures;
    return performance.now() - began;
  };
  // A single worker: the next request is that worker's.
  const lonely = await startService(ground.standin, { env: { MAX_WORKERS: '1' } });
  await ground.ask(lonely, { concurrency: 1, count: 50 });
  for (let round = 0; round < (ground.quick ? 5 : 15); round += 1) {
    undisturbed.push(await timed(lonely));
    kill(pythonTree(lonely.pid).children[0]);
    afterChild.push(await timed(lonely));
    await sleep(100);
  }
  await lonely.stop();
  for (let round = 0; round < (ground.quick ? 2 : 5); round += 1) {
    // A service of its own each time: a host that dies again and again is started again with growing pauses.
    const service = await startService(ground.standin);
    await ground.ask(service, { concurrency: 20, count: 100 });
    const { host } = pythonTree(service.pid);
    kill(host);
    afterHost.push(await timed(service));
    await until(() => pythonTree(service.pid).host !== host, 5000);
    await service.stop();
  }
  const plain = spread(undisturbed);
  const result = {
    undisturbed: plain,
    afterChild: spread(afterChild),
    childAdds: spread(afterChild.map((ms, round) => ms - (undisturbed[round] ?? plain.median))),
    afterHost: spread(afterHost),
    failures,
  };
  printTable(
    'Recovery: a request sent at the moment of the kill, milliseconds until its answer',
    ['', 'rounds', 'ms', 'most'],
    [
      ['undisturbed', result.undisturbed],
      ['its child killed', result.afterChild],
      ['what that added', result.childAdds],
      ['the host killed', result.afterHost],
    ].map(([name, times]) => row(name as string, times as Spread)),
  );
  process.stdout.write(`\n${failures} of these requests failed.\n`);
  return result;
}

function row(name: string, times: Spread): string[] {
  return [name, String(times.rounds.length), shown(times), round(times.max)];
}

function kill(pid: number | null | undefined): void {
  if (!pid) throw new Error('there is no such process to kill');
  process.kill(pid, 'SIGKILL');
}
