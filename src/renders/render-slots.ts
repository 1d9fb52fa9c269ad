import { availableParallelism, totalmem } from 'node:os';
import { FairQueue } from '../concurrency/index.ts';
import { RENDER_MEMORY_BYTES, SERVICE_MEMORY_BYTES, WORKER_MEMORY_BYTES } from './limits.ts';

/** Bytes of memory that this process and its children may take: the cgroup's limit, else the machine's memory. */
export function availableMemory(): number {
  // 0 or a number beyond the machine's memory where there is no limit.
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

export interface RenderSlotOptions {
  /** MAX_RENDERS; null for as many as cores and memory allow. */
  maxRenders: number | null;
  maxWorkers: number;
}

/** Renders and conversions that cores and memory allow at a time; at least 1. */
export function countRenderSlots(
  { maxRenders, maxWorkers }: RenderSlotOptions,
  machine = { cores: availableParallelism(), memory: availableMemory() },
): number {
  if (maxRenders !== null) return maxRenders;
  const free = machine.memory - SERVICE_MEMORY_BYTES - maxWorkers * WORKER_MEMORY_BYTES;
  return Math.max(1, Math.min(machine.cores, Math.floor(free / RENDER_MEMORY_BYTES)));
}

/** The slots that all renders and conversions of the service share. */
export function openRenderSlots(options: RenderSlotOptions): FairQueue {
  return new FairQueue({ slots: countRenderSlots(options) });
}
