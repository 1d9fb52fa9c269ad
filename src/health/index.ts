export { Canary, type CanaryOptions, type CanaryStatus } from './canary.ts';
export { CookiesFile } from './cookies-file.ts';
export { ExtractionStats } from './extraction-stats.ts';
export { FileProbe } from './file-probe.ts';
export { networkReason } from './file-reasons.ts';
export { FileStats } from './file-stats.ts';
export { Health } from './health.ts';
export { LocalChecks } from './local-checks.ts';
