export { type Engine, locateEngine } from './engine.ts';
export {
  type ExtractionEnd,
  type ExtractionObservers,
  type ExtractionTrace,
  type ExtractOptions,
  Extractor,
  type ExtractorStatus,
} from './extractor.ts';
