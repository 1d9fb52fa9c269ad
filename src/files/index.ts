export { coverOf, FileLocator, type PostFinder, sourceOf } from './file-locator.ts';
