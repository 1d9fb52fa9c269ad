import { execFile } from 'node:child_process';
import { totalmem } from 'node:os';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.ts';
import { configWarnings } from '../src/config-warnings.ts';
import { availableMemory, defaultWorkers } from '../src/memory.ts';
import { makeCgroup } from './helpers/cgroup.ts';

const MIB = 1024 * 1024;
const run = promisify(execFile);
const cgroup = makeCgroup(512 * MIB);

afterAll(() => cgroup?.remove());

/** What a process with 512 MiB prints of a module of src. */
async function inCgroup(module: string, expression: string): Promise<string> {
  const href = JSON.stringify(new URL(`../src/${module}`, import.meta.url).href);
  const script = `const m = await import(${href}); console.log(${expression});`;
  const command = `echo $$ > ${cgroup?.path}/cgroup.procs && exec node --import tsx --input-type=module -e "$0"`;
  return (await run('sh', ['-c', command, script])).stdout.trim();
}

describe('available memory', () => {
  it('is at most the memory of the machine', () => {
    expect(availableMemory()).toBeGreaterThan(0);
    expect(availableMemory()).toBeLessThanOrEqual(totalmem());
  });

  it.skipIf(!cgroup)('is the limit of the cgroup, and sets MAX_WORKERS', async () => {
    expect(await inCgroup('memory.ts', 'm.availableMemory()')).toBe(String(512 * MIB));
    expect(await inCgroup('config.ts', 'm.loadConfig({}).extraction.maxWorkers')).toBe('5');
    expect(await inCgroup('config.ts', "m.loadConfig({ MAX_WORKERS: '7' }).extraction.maxWorkers")).toBe('7');
  });
});

it.each([
  [64, 1],
  [384, 1],
  [512, 5],
  [768, 15],
  [960, 20],
  [1024, 20],
  [24_000, 20],
])('with %i MiB there are %i workers', (memory, workers) => {
  expect(defaultWorkers(memory * MIB)).toBe(workers);
});

it.each<[number, string, RegExp | null]>([
  [1024, '20', null],
  [512, '4', null],
  [512, '5', /^512 MB of memory are enough for 5 workers .* MAX_WORKERS is 5, and 20 with 1 GB$/],
  [512, '20', /MAX_WORKERS is 20: the kernel may kill/],
])('%i MiB and MAX_WORKERS=%s are said where they matter', (memory, maxWorkers, words) => {
  const warnings = configWarnings(loadConfig({ MAX_WORKERS: maxWorkers }), memory * MIB);
  expect(warnings).toEqual(words ? [expect.stringMatching(words)] : []);
});
