import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkNode } from '../../scripts/setup/node-check.mjs';

const ROOT = join(import.meta.dirname, '../..');
const LINUX = { platform: 'linux', arch: 'x64' };

describe('set-up', () => {
  it.each([
    ['20.19.0', LINUX],
    ['22.0.0', { platform: 'linux', arch: 'arm64' }],
    ['24.11.1', { platform: 'darwin', arch: 'arm64' }],
  ])('takes Node %s on %j', (version, machine) => {
    expect(() => checkNode(version, machine)).not.toThrow();
  });

  it.each([
    ['18.20.4', LINUX, 'Node 18.20.4 is too old: install Node 20.19 or newer'],
    ['20.18.3', LINUX, 'Node 20.18.3 is too old'],
    [
      '22.0.0',
      { platform: 'linux', arch: 'arm' },
      'This Node is a 32-bit program (arm): a 64-bit system is needed',
    ],
    ['22.0.0', { platform: 'linux', arch: 'ia32' }, 'This Node is a 32-bit program (ia32)'],
    ['22.0.0', { platform: 'win32', arch: 'x64' }, 'use WSL (https://aka.ms/wsl) or Docker Desktop'],
  ])('refuses Node %s on %j in words', (version, machine, words) => {
    expect(() => checkNode(version, machine)).toThrow(words);
  });

  it('ends on Windows with one line, before anything of Unix is run', () => {
    const pretend = `Object.defineProperty(process, 'platform', { value: 'win32' });`;
    const preload = `data:text/javascript,${encodeURIComponent(pretend)}`;
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--import', preload, 'scripts/setup.mjs', 'start'],
      { cwd: ROOT, encoding: 'utf8' },
    );
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^set-up: Windows .* WSL .*\n$/);
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    for (const command of Object.values(scripts).filter((one) => /\bexec\b/.test(one)))
      expect(command).toMatch(/^node scripts\/setup\.mjs \w+ && exec /);
  });
});

interface Locked {
  os?: string[];
  cpu?: string[];
  libc?: string[];
}

it('every package with a program for Linux on x64 has one for arm64', () => {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, Locked>;
  };
  const isFor = (cpu: string, one: Locked) => one.os?.includes('linux') && one.cpu?.includes(cpu);
  const onX64 = Object.entries(packages).flatMap(([name, one]) => (isFor('x64', one) ? [name] : []));
  expect(onX64.length).toBeGreaterThan(5);
  const missing = onX64.filter((name) => {
    const other = packages[name.replace('x64', 'arm64')];
    return other === undefined || !isFor('arm64', other);
  });
  expect(missing).toEqual([]);
});
