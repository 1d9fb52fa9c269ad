export { createSlideshow, type SlideshowSource } from './create-slideshow.ts';
export { SlideshowRenderer } from './renderer.ts';
export { Slideshows } from './slideshows.ts';
