export { loadOrCreateKey } from './key-file.ts';
export {
  type LinkRoute,
  Links,
  type LinkTarget,
} from './link.ts';
export { TokenSealer } from './token.ts';
