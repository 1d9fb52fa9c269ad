export { BlockList } from './block-list.ts';
export { Rules } from './rules.ts';
