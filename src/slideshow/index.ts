export { SlideshowRenderer } from './renderer.ts';
export { type SlideshowSource, slideshowOf } from './slideshow.ts';
export { Slideshows } from './slideshows.ts';
