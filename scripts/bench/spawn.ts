/** The baseline of cold posts: yt-dlp-exec as it is meant to be used, one yt-dlp process for each request. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from 'yt-dlp-exec';
import { locateEngine } from '../../src/extraction/index.ts';
import { onEnd } from './children.ts';
import { ROOT } from './machine.ts';
import type { StandinHello } from './standin-process.ts';

/** @returns a function that measures posts a second of `count` requests, two at once */
export async function prepareSpawns({
  proxyUrl,
  caFile,
}: StandinHello): Promise<(count: number) => Promise<number>> {
  const engine = locateEngine(ROOT);
  const folder = await mkdtemp(join(tmpdir(), 'bench-yt-dlp-'));
  onEnd(() => rm(folder, { recursive: true }));
  const program = join(folder, 'yt-dlp');
  await writeFile(program, `#!/bin/sh\nexec '${engine.python}' -m yt_dlp "$@"\n`);
  await chmod(program, 0o700);
  const flags = { dumpSingleJson: true, noWarnings: true, ignoreConfig: true, proxy: proxyUrl };
  const env = {
    PYTHONPATH: engine.sysPath.join(':'),
    ...{ SSL_CERT_FILE: caFile, REQUESTS_CA_BUNDLE: caFile, CURL_CA_BUNDLE: caFile },
  };
  let posts = 0;
  return async (count) => {
    const began = performance.now();
    let left = count;
    const worker = async () => {
      while (left-- > 0) {
        const id = `749${String(posts++).padStart(16, '0')}`;
        await create(program).exec(`https://www.tiktok.com/@bench/video/${id}`, flags, { env });
      }
    };
    await Promise.all([worker(), worker()]);
    return count / ((performance.now() - began) / 1000);
  };
}
