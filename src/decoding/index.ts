export { openPicture, sizeOfPicture } from './decode.ts';
