import { availableParallelism } from 'node:os';
import { FairQueue } from '../concurrency/index.ts';
import {
  availableMemory,
  RENDER_MEMORY_BYTES,
  SERVICE_MEMORY_BYTES,
  WORKER_MEMORY_BYTES,
} from '../memory.ts';

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
