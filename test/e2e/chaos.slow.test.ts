import { expect, it } from 'vitest';
import { runChaos } from '../helpers/chaos.ts';

/** scripts/chaos.ts runs longer. CHAOS_SEED repeats a run. */
const SECONDS = 45;

it('gives no wrong response and leaves nothing behind, whatever breaks', { timeout: 300_000 }, async () => {
  const seed = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 1e6));
  const report = await runChaos({ seed, seconds: SECONDS });
  process.stdout.write(`\nchaos, ${JSON.stringify(report, null, 1)}\n`);
  expect(report.wrong, `CHAOS_SEED=${seed}`).toEqual([]);
  expect(report.wrongInPeace, `CHAOS_SEED=${seed}`).toEqual([]);
  expect(Object.values(report.answers).reduce((sum, count) => sum + count)).toBeGreaterThan(100);
  expect(Object.keys(report.faults).length).toBeGreaterThan(4);
  const { left } = report;
  expect(left.hosts).toBe(1);
  expect(left.children).toBeLessThanOrEqual(4);
  expect(left.ffmpegs).toBe(0);
  expect(left.upstreams).toBe(0);
  expect(left.abandonedFolders).toEqual([]);
  expect(left.partFiles).toEqual([]);
  expect(left.deletedFiles).toEqual([]);
  // One for each worker started meanwhile, one to Redis that is being closed.
  expect(left.sockets).toBeLessThanOrEqual(left.socketsBefore + 6);
  expect(left.rssAfter).toBeLessThan(left.rssBefore + 250);
});
