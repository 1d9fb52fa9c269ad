export { FileLocator, type PostFinder, sourceOf } from './file-locator.ts';
