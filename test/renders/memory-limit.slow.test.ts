import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCgroup } from '../helpers/cgroup.ts';
import { startService } from '../helpers/service.ts';
import { photoPost, type Standin, startStandin } from '../helpers/standin/index.ts';

const MIB = 1024 * 1024;
const RENDERS = 8;
const cgroup = makeCgroup(800 * MIB);
const dir = mkdtempSync(join(tmpdir(), 'memory-limit-'));

describe.skipIf(!cgroup)('a service with more renders at a time than its memory allows', () => {
  let standin: Standin;
  beforeAll(async () => {
    standin = await startStandin();
  });
  afterAll(async () => {
    await standin.close();
    cgroup?.remove();
    rmSync(dir, { recursive: true });
  });

  it('loses renders, and answers all the same', async () => {
    const main = join(dir, 'in-cgroup.sh');
    const script = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
    writeFileSync(main, `echo $$ > ${cgroup?.path}/cgroup.procs && exec node ${script}\n`);
    const env = { MAX_WORKERS: '2', MAX_RENDERS: String(RENDERS) };
    const service = await startService(standin, env, main);
    try {
      const links = await Promise.all(
        Array.from({ length: RENDERS }, async () => {
          const post = standin.posts.add(photoPost({ photos: 20 }));
          const { body } = await service.post(`https://www.tiktok.com/@memory/photo/${post.id}`);
          return String(body.download_slideshow_link);
        }),
      );
      const codes = await Promise.all(
        links.map(async (link) => {
          const response = await fetch(link);
          const bytes = await response.arrayBuffer();
          return response.ok
            ? `${bytes.byteLength > 0}`
            : (JSON.parse(Buffer.from(bytes).toString()) as { code: string }).code;
        }),
      );
      process.stdout.write(`${RENDERS} slideshows in 800 MiB: ${codes.join(', ')}\n`);
      expect(codes).toContain('render_failed');
      expect(codes.filter((code) => code !== 'true' && code !== 'render_failed')).toEqual([]);
      expect((await fetch(`${service.baseUrl}/health`)).status).toBeLessThan(600);
      const again = await fetch(links[0] ?? '');
      expect(again.status).toBe(200);
      await again.arrayBuffer();
    } finally {
      await service.stop();
    }
  });
});
