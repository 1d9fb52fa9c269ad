export { type Engine, locateEngine } from './engine.ts';
export { type ExtractOptions, Extractor, type ExtractorStatus } from './extractor.ts';
