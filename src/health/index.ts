export { Health } from './health.ts';
export { Outcomes } from './outcomes.ts';
