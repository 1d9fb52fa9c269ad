export { Canary, type CanaryStatus } from './canary.ts';
export { ExtractionStats } from './extraction-stats.ts';
export { type CookiesStatus, Health } from './health.ts';
export { LocalChecks } from './local-checks.ts';
