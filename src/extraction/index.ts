export {
  type ExtractionEvent,
  type ExtractionObservers,
  type ExtractionTimings,
  type ExtractOptions,
  Extractor,
  type ExtractorStatus,
} from './extractor.ts';
export { LiveCheck, type SourceCheck } from './live-check.ts';
export type { TtwidStore } from './source-planner.ts';
export { type Verification, type VerificationOptions, verifyEngine } from './verify-engine.ts';
