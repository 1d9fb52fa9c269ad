export type { RenderedFile } from './file-cache.ts';
export type { Progress, ProgressListener, Stage } from './progress.ts';
export { RenderCache, type RenderCacheOptions } from './render-cache.ts';
export type { Produce, WorkTools } from './shared-task.ts';
