export { type Cleaner, type Sweeper, startCleaner } from './cleaner.ts';
export type { CleanupStats } from './cleanup-stats.ts';
export { type JobFolder, TempStore } from './temp-store.ts';
