/** From the start (scripts/serve.sh) until /health answers 200. */
import type { BenchEnv } from './env.ts';
import { atMost, type Part, printTable, round, spread } from './report.ts';
import { startService } from './service.ts';

export async function startup(env: BenchEnv): Promise<Part> {
  const times: number[] = [];
  for (let n = 0; n < (env.quick ? 3 : 10); n += 1) {
    const service = await startService(env);
    times.push(service.readyMs);
    await service.stop();
  }
  const readyMs = spread(times);
  const { min, median, max } = readyMs;
  printTable(
    'From the start (scripts/serve.sh) until /health answers 200, milliseconds',
    ['rounds', 'min', 'median', 'max'],
    [[String(times.length), ...[min, median, max].map(round)]],
  );
  return { figures: { readyMs }, targets: [atMost('ready to serve: 1,500 ms', median, 1500)] };
}
