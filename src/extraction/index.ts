export { type Engine, engineAt, locateEngine } from './engine.ts';
export {
  type ExtractionEnd,
  type ExtractionObservers,
  type ExtractionTrace,
  type ExtractOptions,
  Extractor,
  type ExtractorStatus,
} from './extractor.ts';
export { type Proof, type ProofOptions, proveEngine } from './proof.ts';
