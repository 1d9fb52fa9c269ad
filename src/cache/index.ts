export { type FoundPost, Posts } from './posts.ts';
export { type RedisStatus, RedisStore } from './redis-store.ts';
export { sharedTtwids } from './shared-ttwids.ts';
