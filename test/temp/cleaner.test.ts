import { expect, it, vi } from 'vitest';
import { type CleanupStats, startCleaner } from '../../src/temp/index.ts';

function logger() {
  return { info: vi.fn(), warn: vi.fn() };
}

it('sweeps on its schedule, in order, and logs the sum', async () => {
  const log = logger();
  const order: string[] = [];
  const sweeper = (name: string, freed: CleanupStats) => ({
    sweep: async ({ olderThanMs }: { olderThanMs: number }) => {
      order.push(`${name} ${olderThanMs}`);
      return freed;
    },
  });
  const sweepers = [sweeper('first', { files: 1, bytes: 10 }), sweeper('second', { files: 2, bytes: 20 })];
  const cleaner = startCleaner({ cron: '* * * * * *', sweepers, log, olderThanMs: 5 });
  await vi.waitFor(() => expect(log.info).toHaveBeenCalled(), { timeout: 4000 });
  cleaner.stop();
  expect(log.info).toHaveBeenCalledWith({ files: 3, bytes: 30 }, 'cleaned up');
  expect(order.slice(0, 2)).toEqual(['first 5', 'second 5']);
});

it('does not run twice at the same time', async () => {
  const log = logger();
  let finish: (freed: CleanupStats) => void = () => undefined;
  const sweep = vi.fn(() => new Promise<CleanupStats>((resolve) => (finish = resolve)));
  const cleaner = startCleaner({ cron: '0 0 1 1 *', sweepers: [{ sweep }], log });
  const first = cleaner.run();
  expect(await cleaner.run()).toEqual({ files: 0, bytes: 0 });
  expect(sweep).toHaveBeenCalledTimes(1);
  finish({ files: 1, bytes: 1 });
  expect(await first).toEqual({ files: 1, bytes: 1 });
  const third = cleaner.run();
  finish({ files: 0, bytes: 0 });
  await third;
  expect(sweep).toHaveBeenCalledTimes(2);
  cleaner.stop();
});

it('continues after a sweeper that fails', async () => {
  const log = logger();
  const broken = { sweep: () => Promise.reject(new Error('EIO')) };
  const good = { sweep: () => Promise.resolve({ files: 1, bytes: 7 }) };
  const cleaner = startCleaner({ cron: '0 0 1 1 *', sweepers: [broken, good], log });
  expect(await cleaner.run()).toEqual({ files: 1, bytes: 7 });
  expect(log.warn).toHaveBeenCalledTimes(1);
  cleaner.stop();
});

it('rejects an invalid schedule', () => {
  expect(() => startCleaner({ cron: 'now and then', sweepers: [], log: logger() })).toThrow(TypeError);
});
