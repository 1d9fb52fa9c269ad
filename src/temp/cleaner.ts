import { Cron } from 'croner';
import type { Logger } from 'pino';
import { addStats, type CleanupStats } from './cleanup-stats.ts';

/** Anything that can free what it no longer needs. */
export interface Sweeper {
  sweep(options: { olderThanMs: number }): Promise<CleanupStats>;
}

interface CleanerOptions {
  /** CLEANUP_CRON. */
  cron: string;
  /** Swept in this order: slideshows release their folders before the folders are swept. */
  sweepers: readonly Sweeper[];
  log: Pick<Logger, 'info' | 'error'>;
  /** Age in milliseconds from which unused files are removed. */
  olderThanMs?: number;
}

export interface Cleaner {
  /** Sweeps now. Frees nothing while another run is in progress. */
  run(): Promise<CleanupStats>;
  stop(): void;
}

const HOUR_MS = 3_600_000;

/**
 * Sweeps on a schedule and logs what that freed. An error is logged and does not end the schedule.
 * @throws TypeError for a cron expression that croner does not know.
 */
export function startCleaner({ cron, sweepers, log, olderThanMs = HOUR_MS }: CleanerOptions): Cleaner {
  let running = false;
  const run = async (): Promise<CleanupStats> => {
    let freed: CleanupStats = { files: 0, bytes: 0 };
    if (running) return freed;
    running = true;
    try {
      for (const sweeper of sweepers) {
        try {
          freed = addStats(freed, await sweeper.sweep({ olderThanMs }));
        } catch (err) {
          log.error({ err }, 'the cleaner failed; the next run tries again');
        }
      }
    } finally {
      running = false;
    }
    log.info(freed, 'cleaned up');
    return freed;
  };
  const job = new Cron(cron, { unref: true }, async () => {
    await run();
  });
  return { run, stop: () => job.stop() };
}
