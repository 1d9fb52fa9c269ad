import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readCgroupMemory } from '../../src/metrics/cgroup.ts';

const MIB = 1024 * 1024;
const V2 = 'sys/fs/cgroup';
const V1 = 'sys/fs/cgroup/memory';
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cgroup-'));
});

afterEach(() => rmSync(root, { recursive: true }));

function files(contents: Record<string, string>): void {
  for (const [path, content] of Object.entries(contents)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), `${content}\n`);
  }
}

describe('readCgroupMemory', () => {
  it('reads the limit and the working set of a container with cgroup v2', async () => {
    files({
      'proc/self/cgroup': '0::/',
      [`${V2}/memory.max`]: String(2048 * MIB),
      [`${V2}/memory.current`]: String(700 * MIB),
      [`${V2}/memory.stat`]: `anon 1\ninactive_file ${200 * MIB}\nactive_file 5`,
    });
    expect(await readCgroupMemory(root)).toEqual({ limitBytes: 2048 * MIB, usedBytes: 500 * MIB });
  });

  it('takes the lowest limit of a systemd unit and its slices', async () => {
    const unit = `${V2}/system.slice/tiktok.service`;
    files({
      'proc/self/cgroup': '0::/system.slice/tiktok.service',
      [`${unit}/memory.max`]: 'max',
      [`${unit}/memory.current`]: '1',
      [`${V2}/system.slice/memory.max`]: String(100 * MIB),
      [`${V2}/system.slice/memory.current`]: String(90 * MIB),
    });
    expect(await readCgroupMemory(root)).toEqual({ limitBytes: 100 * MIB, usedBytes: 90 * MIB });
  });

  it('finds the limit of a container with cgroup v1, whose path is the host’s', async () => {
    files({
      'proc/self/cgroup': '9:name=systemd:/docker/ab\n4:memory:/docker/ab\n0::/',
      [`${V1}/memory.limit_in_bytes`]: String(512 * MIB),
      [`${V1}/memory.usage_in_bytes`]: String(300 * MIB),
      [`${V1}/memory.stat`]: `inactive_file 7\ntotal_inactive_file ${100 * MIB}`,
    });
    const memory = await readCgroupMemory(root);
    expect(memory?.limitBytes).toBe(512 * MIB);
  });

  it.each([
    ['v2', { 'proc/self/cgroup': '0::/', [`${V2}/memory.max`]: 'max', [`${V2}/memory.current`]: '1' }],
    ['v1', { 'proc/self/cgroup': '4:memory:/', [`${V1}/memory.limit_in_bytes`]: '9223372036854771712' }],
    ['none', {}],
  ])('returns null without a limit: %s', async (_, given) => {
    files(given);
    expect(await readCgroupMemory(root)).toBeNull();
  });
});
