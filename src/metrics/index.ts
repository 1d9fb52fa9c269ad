export { Metrics } from './metrics.ts';
export type { Observers, RequestEnd } from './recorded.ts';
