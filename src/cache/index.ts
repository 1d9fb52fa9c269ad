export { type FoundPost, Posts } from './posts.ts';
export { SingleFlight } from './single-flight.ts';
export { MemoryCache, type PostCache } from './store.ts';
