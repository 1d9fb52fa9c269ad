/** The first baseline: what yt-dlp-exec is made for, a yt-dlp process for each request. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from 'yt-dlp-exec';
import { locateEngine } from '../../src/engine/index.ts';
import { ROOT } from './machine.ts';
import { cpuOf } from './procfs.ts';
import type { StandinHello } from './standin-process.ts';
import { started } from './started.ts';

export interface SpawnMeasured {
  concurrency: number;
  count: number;
  failures: number;
  perSecond: number;
  /** CPU milliseconds of the yt-dlp processes for each post. */
  cpu: number;
}

export interface SpawnBaseline {
  measure(concurrency: number, count: number): Promise<SpawnMeasured>;
}

export async function prepareSpawns({ proxyUrl, caFile }: StandinHello): Promise<SpawnBaseline> {
  const engine = locateEngine(ROOT);
  const folder = await mkdtemp(join(tmpdir(), 'bench-yt-dlp-'));
  started(() => rm(folder, { recursive: true }));
  const program = join(folder, 'yt-dlp');
  await writeFile(program, `#!/bin/sh\nexec '${engine.python}' -m yt_dlp "$@"\n`);
  await chmod(program, 0o700);
  const env = {
    PYTHONPATH: engine.sysPath.join(':'),
    ...{ SSL_CERT_FILE: caFile, REQUESTS_CA_BUNDLE: caFile, CURL_CA_BUNDLE: caFile },
  };
  const flags = { dumpSingleJson: true, noWarnings: true, ignoreConfig: true, proxy: proxyUrl };
  let posts = 0;
  const one = async () => {
    posts += 1;
    const id = `749${String(posts).padStart(16, '0')}`;
    const { stdout } = await create(program).exec(`https://www.tiktok.com/@bench/video/${id}`, flags, {
      env,
    });
    return (JSON.parse(stdout) as { id?: string }).id === id;
  };
  return {
    async measure(concurrency, count) {
      const before = cpuOf('/proc/self/stat').reaped;
      const began = performance.now();
      let begun = 0;
      let failures = 0;
      const inTurn = async () => {
        while (begun < count) {
          begun += 1;
          if (!(await one().catch(() => false))) failures += 1;
        }
      };
      await Promise.all(Array.from({ length: concurrency }, inTurn));
      const perSecond = count / ((performance.now() - began) / 1000);
      const cpu = (cpuOf('/proc/self/stat').reaped - before) / count;
      return { concurrency, count, failures, perSecond, cpu };
    },
  };
}
