/** From the start (scripts/serve.sh) until /health answers 200. */
import type { Ground } from './ground.ts';
import { startService } from './service.ts';
import { printTable, round, type Spread, spread } from './table.ts';

export interface StartupResult {
  readyMs: Spread;
}

export async function startup({ standin, quick }: Ground): Promise<StartupResult> {
  const times: number[] = [];
  for (let round = 0; round < (quick ? 3 : 10); round += 1) {
    const service = await startService(standin);
    times.push(service.readyMs);
    await service.stop();
  }
  const readyMs = spread(times);
  const { min, median, max } = readyMs;
  printTable(
    'From the start (scripts/serve.sh) until /health answers 200, milliseconds',
    ['rounds', 'least', 'median', 'most'],
    [[String(times.length), ...[min, median, max].map(round)]],
  );
  return { readyMs };
}
