import { totalmem } from 'node:os';

/** Bytes of memory that one render takes at most: a slideshow of 35 photos with its ffmpegs. */
export const RENDER_MEMORY_BYTES = 260 * 1024 * 1024;
/** Bytes of memory of the service itself, and of each busy extraction worker with its yt-dlp child. */
export const SERVICE_MEMORY_BYTES = 120 * 1024 * 1024;
export const WORKER_MEMORY_BYTES = 25 * 1024 * 1024;

/** MAX_WORKERS where memory is no matter. */
export const MAX_DEFAULT_WORKERS = 20;

/** Bytes of memory that this process and its children may take: the cgroup's limit, else the machine's memory. */
export function availableMemory(): number {
  // 0 or a number beyond the machine's memory where there is no limit.
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

/** Workers for which there is memory beside the service and one render: 20 from about 1 GB on, at least 1. */
export function defaultWorkers(memory = availableMemory()): number {
  const free = memory - SERVICE_MEMORY_BYTES - RENDER_MEMORY_BYTES;
  return Math.max(1, Math.min(MAX_DEFAULT_WORKERS, Math.floor(free / WORKER_MEMORY_BYTES)));
}
