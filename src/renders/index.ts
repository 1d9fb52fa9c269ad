export * from './limits.ts';
export type { Progress, ProgressListener, Stage } from './progress.ts';
export {
  noRoom,
  type Produce,
  RenderCache,
  type RenderCacheOptions,
  type RenderedFile,
  type RenderTools,
} from './render-cache.ts';
export { openRenderSlots } from './render-slots.ts';
