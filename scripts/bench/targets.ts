/** What was set out to be reached, and whether it was. */
import type { ColdResult, ColdRow } from './cold.ts';
import type { MemoryResult } from './memory.ts';
import type { RecoveryResult } from './recovery.ts';
import type { StartupResult } from './startup.ts';
import { printTable, round } from './table.ts';

export interface Results {
  cold?: ColdResult;
  memory?: MemoryResult;
  startup?: StartupResult;
  recovery?: RecoveryResult;
}

export interface Verdict {
  target: string;
  measured: string;
  reached: boolean;
}

/** The targets of the parts that ran. */
export function judge({ cold, memory, startup, recovery }: Results): Verdict[] {
  const verdicts = [
    ...(cold ? judgeCold(cold) : []),
    ...(memory ? judgeMemory(memory) : []),
    ...(startup ? [atMost('ready to serve: 1,500 ms', startup.readyMs.median, 1500)] : []),
    ...(recovery
      ? [
          atMost('a killed child replaced: 50 ms more than undisturbed', recovery.childAdds.median, 50),
          atMost('the killed host replaced and serving: 1,500 ms', recovery.afterHost.median, 1500),
          atMost('no request failed by a kill', recovery.failures, 0),
        ]
      : []),
  ];
  if (verdicts.length > 0) {
    printTable(
      'Targets (medians)',
      ['target', 'measured', ''],
      verdicts.map(({ target, measured, reached }) => [
        target,
        measured,
        reached ? 'reached' : 'NOT reached',
      ]),
    );
  }
  return verdicts;
}

function judgeCold({ rows, timesSpawn }: ColdResult): Verdict[] {
  const find = (latencyMs: number, concurrency: number) =>
    rows.find((row) => row.latencyMs === latencyMs && row.concurrency === concurrency);
  const few = find(0, 20);
  const hundred = find(0, 100);
  const crowd = find(0, 2000);
  const slow = find(300, 100);
  const lone = find(300, 1);
  const slowCrowd = find(300, 2000);
  return [
    ...(hundred ? [atLeast('100 at once, no latency: 150 posts/s', hundred.perSecond.median, 150)] : []),
    atLeast('100 times two spawns at once', timesSpawn.median, 100),
    ...(slow ? [atLeast('300 ms, 20 workers: 90 % of the bound', share(slow), 90)] : []),
    ...(lone
      ? [atMost('a lone request: 15 ms more than TikTok takes', lone.p50.median - lone.latencyMs, 15)]
      : []),
    atMost(
      'all answered: failures',
      rows.reduce((sum, row) => sum + row.failures, 0),
      0,
    ),
    ...(crowd && hundred
      ? [
          atMost(
            '2,000 at once: p99 in ideal queue times, 1.3',
            lateness(crowd, hundred.perSecond.median),
            1.3,
          ),
        ]
      : []),
    ...(slowCrowd?.bound
      ? [
          atMost(
            '2,000 at once, 300 ms: p99 in ideal queue times, 1.3',
            lateness(slowCrowd, slowCrowd.bound),
            1.3,
          ),
        ]
      : []),
    ...(crowd && few
      ? [atMost('CPU a post at 2,000 over that at 20: 1.2', crowd.cpu.service / few.cpu.service, 1.2)]
      : []),
  ];
}

function judgeMemory({ busy20, busy100, queued2000, idleAfterQuiet, failures }: MemoryResult): Verdict[] {
  return [
    atMost('20 workers busy: 400 MB', busy20.total, 400),
    atMost('20 workers busy: the client’s 300 MB', busy20.total, 300),
    atMost('2,000 at once, over 100 at once: 1.2', queued2000.total / busy100.total, 1.2),
    ...(idleAfterQuiet ? [atMost('idle after a quiet minute: 150 MB', idleAfterQuiet.total, 150)] : []),
    atMost('all answered while memory was measured: failures', failures, 0),
  ];
}

/** Percent of the bound. */
function share({ perSecond, bound }: ColdRow): number {
  return (perSecond.median / (bound ?? Number.NaN)) * 100;
}

/** p99 over the time in which the last of all would be answered at that rate. */
function lateness({ p99, concurrency }: ColdRow, perSecond: number): number {
  return p99.median / 1000 / (concurrency / perSecond);
}

function atLeast(target: string, value: number, wanted: number): Verdict {
  return { target: `at least ${target}`, measured: round(value), reached: value >= wanted };
}

function atMost(target: string, value: number, wanted: number): Verdict {
  return { target: `at most ${target}`, measured: round(value), reached: value <= wanted };
}
