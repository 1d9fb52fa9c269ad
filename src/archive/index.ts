export { type ZipPhoto, type ZipPost, Zips } from './zips.ts';
