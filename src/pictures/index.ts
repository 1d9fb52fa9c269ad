export { openPicture, sizeOfPicture } from './decode.ts';
export type { JpegForm } from './jpeg.ts';
export { type PictureOptions, Pictures } from './pictures.ts';
