export { openZip, type ZipOptions, type ZipPhoto, type ZipPost } from './photos.ts';
