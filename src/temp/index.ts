export { type Cleaner, type Sweeper, startCleaner } from './cleaner.ts';
export type { Freed } from './freed.ts';
export { type JobFolder, TempStore } from './temp-store.ts';
