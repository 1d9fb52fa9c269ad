export { keptKey } from './key.ts';
export {
  type Asset,
  type LinkRoute,
  Links,
  type LinkTarget,
  type PreparedLink,
  type Source,
} from './link.ts';
export { TokenBox } from './token.ts';
