export { createSlideshow, type SlideshowSource } from './create-slideshow.ts';
export { CANVASES, type CanvasName, type SlideshowOptions } from './options.ts';
export { SlideshowRenderer } from './renderer.ts';
export { Slideshows } from './slideshows.ts';
