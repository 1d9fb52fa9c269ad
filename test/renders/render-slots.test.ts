import { execFile } from 'node:child_process';
import { availableParallelism, totalmem } from 'node:os';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { availableMemory, countRenderSlots } from '../../src/renders/render-slots.ts';
import { makeCgroup } from '../helpers/cgroup.ts';

const MIB = 1024 * 1024;
const run = promisify(execFile);

describe('render slots', () => {
  it.each([
    { cores: 4, memory: 1280, workers: 20, slots: 3 },
    { cores: 16, memory: 2048, workers: 20, slots: 6 },
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

describe('available memory', () => {
  it('is at most the memory of the machine', () => {
    expect(availableMemory()).toBeGreaterThan(0);
    expect(availableMemory()).toBeLessThanOrEqual(totalmem());
  });

  const cgroup = makeCgroup(700 * MIB);
  it.skipIf(!cgroup)('is the limit of the cgroup', async () => {
    const script = `
      const { availableMemory } = await import(${JSON.stringify(new URL('../../src/renders/render-slots.ts', import.meta.url).href)});
      console.log(availableMemory());`;
    const inCgroup = `echo $$ > ${cgroup?.path}/cgroup.procs && exec node --import tsx --input-type=module -e "$0"`;
    const { stdout } = await run('sh', ['-c', inCgroup, script]);
    cgroup?.remove();
    expect(Number(stdout)).toBe(700 * MIB);
  });
});
