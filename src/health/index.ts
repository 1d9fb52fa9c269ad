export { Canary, type CanaryStatus } from './canary.ts';
export { CookiesFile } from './cookies-file.ts';
export { ExtractionStats } from './extraction-stats.ts';
export { Health } from './health.ts';
export { LocalChecks } from './local-checks.ts';
