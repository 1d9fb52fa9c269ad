export { Canary, type CanaryStatus } from './canary.ts';
export { Dependencies } from './dependencies.ts';
export { Health } from './health.ts';
export { Outcomes } from './outcomes.ts';
