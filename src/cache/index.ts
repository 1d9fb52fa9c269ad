export { type FoundPost, Posts } from './posts.ts';
export { type RedisStatus, SharedMemory } from './redis.ts';
export { sharePosts } from './share.ts';
export { SingleFlight } from './single-flight.ts';
