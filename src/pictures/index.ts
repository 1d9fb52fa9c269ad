export type { JpegForm } from './jpeg.ts';
export { type PictureOptions, Pictures } from './pictures.ts';
