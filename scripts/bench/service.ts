import { setTimeout as sleep } from 'node:timers/promises';
import { type Service, startService as start } from '../../test/helpers/service.ts';
import type { BenchEnv } from './env.ts';

export interface BenchService extends Service {
  /** From the start of the process until /health answered 200. */
  readyMs: number;
}

/** Starts the service as it is served, by scripts/serve.sh, with default settings but these. */
export async function startService(
  { standin, serve, onEnd }: Pick<BenchEnv, 'serve' | 'onEnd'> & { standin: BenchEnv['standin'] | null },
  settings: Readonly<Record<string, string>> = {},
): Promise<BenchService> {
  const began = performance.now();
  const service = await start(standin, settings, serve);
  onEnd(service.stop);
  while (!(await fetch(`${service.baseUrl}/health`)).ok) await sleep(5);
  return { ...service, readyMs: performance.now() - began };
}
