import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { countRenderSlots } from '../../src/renders/render-slots.ts';

const MIB = 1024 * 1024;

describe('render slots', () => {
  it.each([
    { cores: 4, memory: 1280, workers: 20, slots: 2 },
    { cores: 16, memory: 2048, workers: 20, slots: 5 },
    { cores: 2, memory: 24_000, workers: 20, slots: 2 },
    { cores: 8, memory: 512, workers: 20, slots: 1 },
    { cores: 8, memory: 1280, workers: 2, slots: 4 },
  ])(
    'are $slots with $cores cores, $memory MiB and $workers workers',
    ({ cores, memory, workers, slots }) => {
      const machine = { cores, memory: memory * MIB };
      expect(countRenderSlots({ maxRenders: null, maxWorkers: workers }, machine)).toBe(slots);
    },
  );

  it('are what MAX_RENDERS says', () => {
    expect(countRenderSlots({ maxRenders: 7, maxWorkers: 20 }, { cores: 1, memory: 1 })).toBe(7);
  });

  it('are at least 1 and at most the cores of this machine', () => {
    const slots = countRenderSlots({ maxRenders: null, maxWorkers: 1 });
    expect(slots).toBeGreaterThanOrEqual(1);
    expect(slots).toBeLessThanOrEqual(availableParallelism());
  });
});
