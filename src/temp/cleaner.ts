import { Cron } from 'croner';
import type { Logger } from 'pino';
import { addStats, type CleanupStats } from './cleanup-stats.ts';

/** Frees disk space that is no longer needed. */
export interface Sweeper {
  sweep(options: { olderThanMs: number }): Promise<CleanupStats>;
}

interface CleanerOptions {
  /** CLEANUP_CRON. */
  cron: string;
  /** Swept in this order: caches evict files before work folders are inspected. */
  sweepers: readonly Sweeper[];
  log: Pick<Logger, 'info' | 'warn'>;
  /** Age in milliseconds from which unused folders are removed. */
  olderThanMs?: number;
}

export interface Cleaner {
  /** Sweeps now; does nothing while another run is under way. */
  run(): Promise<CleanupStats>;
  stop(): void;
}

const HOUR_MS = 3_600_000;

/**
 * Sweeps on a schedule and logs what that freed. Errors are logged.
 * @throws TypeError for an invalid cron expression
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
          log.warn({ err }, 'cleaner failed, retrying at the next run');
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
