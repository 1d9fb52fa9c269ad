export type { Produce, WorkTools } from './flight.ts';
export type { Progress, ProgressListener, Stage } from './progress.ts';
export type { RenderedFile } from './shelf.ts';
export { RenderStore, type RenderStoreOptions } from './store.ts';
