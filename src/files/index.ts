export { coverOf, FileLocator, type PostFinder, sourceOf } from './file-locator.ts';
export { answerFromFile, type KeptFile } from './kept-file.ts';
