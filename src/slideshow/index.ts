export { planSlideshow, type SlideshowPlan } from './plan.ts';
export type { Progress, ProgressListener, Stage } from './progress.ts';
export { SlideshowRenderer } from './renderer.ts';
export type { RenderedFile } from './shelf.ts';
export { type SlideshowSource, slideshowOf } from './slideshow.ts';
export { Slideshows } from './slideshows.ts';
export { SlideshowStore, type SlideshowStoreOptions } from './store.ts';
